//! LSTM, GRU, SimpleRNN.

use super::super::super::error::Trouble;
use super::super::builder::Value;
use super::call::Call;

pub(super) fn recurrent(call: &mut Call<'_, '_>) -> Result<Value, Trouble> {
    call.unknown()
}
