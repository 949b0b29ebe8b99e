//! PAD: a border of zeros (of the zero point, in integers); PADV2: of any value; MIRROR_PAD: of what lies inside.

use super::{OpError, OpFacts, Operands};

/// PAD has no attributes. Operands: input, paddings `[rank, 2]` (constant: before, after, for each axis).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pad;

/// PADV2 has no attributes. Operands: those of [`Pad`], and the value of the border (one element, constant).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PadV2;

/// A border that mirrors the image. Operands: those of [`Pad`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MirrorPad {
    /// The outermost element is mirrored too (symmetric); otherwise it is the mirror (reflect).
    pub with_edge: bool,
}

impl MirrorPad {
    /// Elements added before and after each axis, each within what can be mirrored.
    ///
    /// # Errors
    /// As [`Pad::amounts`]; [`OpError::Attribute`] if a border is wider than the image.
    pub fn amounts(&self, operands: &Operands<'_>) -> Result<Vec<(usize, usize)>, OpError> {
        let amounts = Pad.amounts(operands)?;
        let edge = usize::from(!self.with_edge);
        for (&extent, &(before, after)) in operands.get(0)?.shape.iter().zip(&amounts) {
            if before.max(after) > extent.saturating_sub(edge) {
                return Err(OpError::Attribute(format!("a border of {before} and {after} that mirrors {extent} elements")));
            }
        }
        Ok(amounts)
    }
}

fn padded(operands: &Operands<'_>, amounts: &[(usize, usize)]) -> Result<Vec<Vec<usize>>, OpError> {
    let shape = &operands.get(0)?.shape;
    let padded = shape.iter().zip(amounts).map(|(&extent, (before, after))| extent.checked_add(*before)?.checked_add(*after));
    let padded: Option<Vec<usize>> = padded.collect();
    Ok(vec![padded.ok_or_else(|| OpError::Attribute("paddings too large to count".into()))?])
}

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
        padded(operands, &self.amounts(operands)?)
    }

    fn elementwise(&self, _operands: &Operands<'_>) -> u64 {
        0
    }

    fn label(&self, _operands: &Operands<'_>) -> String {
        "Pad".into()
    }
}

impl OpFacts for PadV2 {
    fn name(&self) -> &str {
        "PADV2"
    }

    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        let value = operands.get(2)?;
        if value.n_elements() != 1 {
            return Err(OpError::Shape { operand: 2, shape: value.shape.clone(), expected: "one value".into() });
        }
        padded(operands, &Pad.amounts(operands)?)
    }

    fn elementwise(&self, _operands: &Operands<'_>) -> u64 {
        0
    }

    fn label(&self, _operands: &Operands<'_>) -> String {
        "Pad".into()
    }
}

impl OpFacts for MirrorPad {
    fn name(&self) -> &str {
        "MIRROR_PAD"
    }

    fn output_shapes(&self, operands: &Operands<'_>) -> Result<Vec<Vec<usize>>, OpError> {
        padded(operands, &self.amounts(operands)?)
    }

    fn elementwise(&self, _operands: &Operands<'_>) -> u64 {
        0
    }

    fn label(&self, _operands: &Operands<'_>) -> String {
        "Mirror pad".into()
    }
}
