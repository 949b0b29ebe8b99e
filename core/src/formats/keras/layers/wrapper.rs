//! Layers around a layer: Bidirectional, TimeDistributed.

use super::super::super::error::Trouble;
use super::super::builder::Value;
use super::call::Call;

pub(super) fn bidirectional(call: &mut Call<'_, '_>) -> Result<Value, Trouble> {
    call.unknown()
}
pub(super) fn time_distributed(call: &mut Call<'_, '_>) -> Result<Value, Trouble> {
    call.unknown()
}
