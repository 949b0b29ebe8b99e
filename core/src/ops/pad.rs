//! PAD: a border of zeros (of the zero point, in integers).

use super::{OpError, OpFacts, Operands};

/// PAD has no attributes. Operands: input, paddings `[rank, 2]` (constant: before, after, for each axis).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pad;

impl Pad {
    /// Elements added before and after each axis.
    ///
    /// # Errors
    /// [`OpError`] if the paddings are not constant, negative or not two for each axis.
    pub fn amounts(&self, operands: &Operands<'_>) -> Result<Vec<(usize, usize)>, OpError> {
        let rank = operands.get(0)?.shape.len();
        let flat = operands.constant_integers(1, "paddings")?;
        let amount = |v: i64| usize::try_from(v).map_err(|_| OpError::Attribute(format!("padding by {v}")));
        if flat.len() != rank * 2 {
            return Err(OpError::Attribute(format!("{} padding amounts for {rank} axes", flat.len())));
        }
        flat.chunks_exact(2).map(|pair| Ok((amount(pair[0])?, amount(pair[1])?))).collect()
    }
}

impl OpFacts for Pad {
    fn name(&self) -> &str {
        "PAD"
    }

    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        let amounts = self.amounts(operands)?;
        let shape = &operands.get(0)?.shape;
        let padded = shape.iter().zip(amounts).map(|(&extent, (before, after))| extent.checked_add(before)?.checked_add(after));
        let padded: Option<Vec<usize>> = padded.collect();
        Ok(vec![padded.ok_or_else(|| OpError::Attribute("paddings too large to count".into()))?])
    }

    fn elementwise(&self, _operands: &Operands<'_>) -> u64 {
        0
    }

    fn label(&self, _operands: &Operands<'_>) -> String {
        "Pad".into()
    }
}
