//! Headerless arrays: little-endian numbers, one sample after another, whose shape and type somebody has to say.

use crate::data::npy::{Array, Elements};
use crate::data::{DataProblem, DataSet, samples_from};

/// The type of headerless numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant is named after its type")]
pub enum Element {
    I8,
    U8,
    I16,
    F32,
}

/// What a headerless file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw {
    /// Shape of one sample.
    pub shape: Vec<usize>,
    /// Its numbers.
    pub element: Element,
}

impl Element {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::I8, Self::U8, Self::I16, Self::F32];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::I8 => "int8",
            Self::U8 => "uint8",
            Self::I16 => "int16",
            Self::F32 => "float32",
        }
    }

    /// The type with this name, if there is one.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|element| element.name() == name)
    }

    fn n_bytes(self) -> usize {
        match self {
            Self::I8 | Self::U8 => 1,
            Self::I16 => 2,
            Self::F32 => 4,
        }
    }
}

impl Raw {
    /// Reads all samples of a file.
    ///
    /// # Errors
    /// [`DataProblem::Broken`]: its bytes are not a whole number of samples, or hold what is no number.
    pub fn read(&self, bytes: &[u8]) -> Result<DataSet, DataProblem> {
        let sample_bytes = self.shape.iter().try_fold(self.element.n_bytes(), |n, &extent| n.checked_mul(extent));
        let whole = sample_bytes.filter(|&n| n > 0 && !bytes.is_empty() && bytes.len().is_multiple_of(n));
        let Some(sample_bytes) = whole else {
            let (n, shape, element) = (bytes.len(), &self.shape, self.element.name());
            return Err(broken(format!("{n} bytes are not a whole number of samples of shape {shape:?} of {element}")));
        };
        let elements = match self.element {
            Element::I8 => Elements::I8(bytes.iter().map(|&byte| byte as i8).collect()),
            Element::U8 => Elements::U8(bytes.to_vec()),
            Element::I16 => Elements::I16(bytes.as_chunks().0.iter().map(|&b| i16::from_le_bytes(b)).collect()),
            Element::F32 => {
                let values: Vec<f32> = bytes.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect();
                if let Some(index) = values.iter().position(|x| !x.is_finite()) {
                    return Err(broken(format!("number {index} is {}; is it another type?", values[index])));
                }
                Elements::F32(values)
            }
        };
        let shape = [&[bytes.len() / sample_bytes], self.shape.as_slice()].concat();
        let (values, sample_shape) = samples_from("x", Array { shape, elements }, None)?;
        Ok(DataSet::plain(String::new(), sample_shape, values, *blake3::hash(bytes).as_bytes()))
    }
}

fn broken(trouble: String) -> DataProblem {
    DataProblem::Broken { format: "headerless array", trouble }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Values;

    #[test]
    fn a_file_holds_whole_samples() {
        let raw = |shape: &[usize], element| Raw { shape: shape.to_vec(), element };
        let set = raw(&[2], Element::I16).read(&[1, 0, 255, 255, 3, 0, 4, 0]).unwrap();
        assert_eq!((set.n_samples(), set.values), (2, Values::I16([1, -1, 3, 4].into())));
        assert_eq!(raw(&[1], Element::F32).read(&1.5_f32.to_le_bytes()).unwrap().values, Values::F32([1.5].into()));
        for (raw, bytes) in [
            (raw(&[3], Element::U8), &[1_u8, 2][..]),
            (raw(&[0], Element::U8), &[1]),
            (raw(&[usize::MAX, 2], Element::I16), &[1, 2]),
            (raw(&[1], Element::U8), &[]),
            (raw(&[1], Element::F32), &[0, 0, 0xC0, 0x7F]),
        ] {
            assert!(raw.read(bytes).unwrap_err().to_string().starts_with("not a sound headerless array"));
        }
    }
}
