//! How much memory a file may ask for: a small multiple of its own length.
//!
//! A flatbuffer is a graph of offsets: one megabyte of weights can be named by a thousand tensors, and four bytes in a
//! vector can name a table that becomes hundreds of bytes here. So everything that is allocated for the file is charged.

use super::error::Trouble;

/// Times the file's length that a graph made from it may take.
const FACTOR: usize = 12;
/// What even the smallest file may take.
const ALLOWANCE: usize = 64 << 10;

/// What is left of the allowance.
pub(super) struct Budget {
    left: usize,
    file_len: usize,
}

impl Budget {
    pub(super) fn for_file(bytes: &[u8]) -> Self {
        Self { left: bytes.len().saturating_mul(FACTOR).saturating_add(ALLOWANCE), file_len: bytes.len() }
    }

    /// Takes `n_bytes`.
    ///
    /// # Errors
    /// [`Trouble::Malformed`] if that is more than is left.
    pub(super) fn charge(&mut self, n_bytes: usize, place: impl FnOnce() -> String) -> Result<(), Trouble> {
        match self.left.checked_sub(n_bytes) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(Trouble::malformed(
                place(),
                format!("the contents unfold to more than {FACTOR} times the file's {} bytes", self.file_len),
                "tables and buffers that are named about once each",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_may_take_a_small_multiple_of_its_length() {
        let mut budget = Budget::for_file(&[0; 1000]);
        assert!(budget.charge(ALLOWANCE + 12_000, || "all".into()).is_ok());
        let error = budget.charge(1, || "tensor 7".into()).unwrap_err().to_string();
        assert!(error.starts_with("tensor 7: the contents unfold"), "{error}");
    }
}
