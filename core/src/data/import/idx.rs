//! IDX, the format of MNIST: a magic number that says type and axes, extents in big-endian, elements in big-endian.
//!
//! Source: Yann LeCun, Cortes, Burges: "The MNIST database of handwritten digits".

use crate::data::npy::{Array, Elements};
use crate::data::{DataProblem, Split};

/// More axes than any array here has.
const MAX_AXES: u8 = 8;

/// Whether bytes begin as an IDX file does.
pub fn is_idx(bytes: &[u8]) -> bool {
    matches!(bytes, [0, 0, 0x08 | 0x09 | 0x0B..=0x0E, 1..=MAX_AXES, ..])
}

/// Reads an array.
///
/// # Errors
/// [`DataProblem::Broken`]: the header and the number of bytes contradict one another.
pub fn read(bytes: &[u8]) -> Result<Array, DataProblem> {
    let [0, 0, code, n_axes, rest @ ..] = bytes else { return Err(broken("it does not begin with two zeros".into())) };
    let (shape, payload) =
        rest.split_at_checked(usize::from(*n_axes) * 4).ok_or_else(|| broken("it ends within its header".into()))?;
    let shape: Vec<usize> = shape.as_chunks().0.iter().map(|&extent| u32::from_be_bytes(extent) as usize).collect();
    let element_bytes = match code {
        0x08 | 0x09 => 1,
        0x0B => 2,
        0x0C | 0x0D => 4,
        0x0E => 8,
        other => return Err(broken(format!("its type is {other:#04x}, expected 0x08 to 0x0e"))),
    };
    let n_bytes = shape.iter().try_fold(element_bytes, |n: usize, &extent| n.checked_mul(extent));
    if n_bytes != Some(payload.len()) {
        return Err(broken(format!("its header declares shape {shape:?}, but {} bytes follow", payload.len())));
    }
    let elements = match code {
        0x08 => Elements::U8(payload.to_vec()),
        0x09 => Elements::I8(payload.iter().map(|&byte| byte as i8).collect()),
        0x0B => Elements::I16(payload.as_chunks().0.iter().map(|&b| i16::from_be_bytes(b)).collect()),
        0x0C => Elements::I32(payload.as_chunks().0.iter().map(|&b| i32::from_be_bytes(b)).collect()),
        0x0D => Elements::F32(payload.as_chunks().0.iter().map(|&b| f32::from_be_bytes(b)).collect()),
        _ => Elements::F64(payload.as_chunks().0.iter().map(|&b| f64::from_be_bytes(b)).collect()),
    };
    Ok(Array { shape, elements })
}

/// Writes an array of unsigned bytes.
///
/// # Errors
/// [`DataProblem::Unlike`]: an extent of more than 32 bits, or more axes than the format is read with.
pub fn write(shape: &[usize], bytes: &[u8]) -> Result<Vec<u8>, DataProblem> {
    let n_axes = u8::try_from(shape.len()).ok().filter(|n| (1..=MAX_AXES).contains(n));
    let extents: Option<Vec<u32>> = shape.iter().map(|&extent| extent.try_into().ok()).collect();
    let (n_axes, extents) =
        n_axes.zip(extents).ok_or_else(|| DataProblem::Unlike(format!("shape {shape:?} does not fit an IDX file")))?;
    let mut file = vec![0, 0, 0x08, n_axes];
    file.extend(extents.iter().flat_map(|extent| extent.to_be_bytes()));
    file.extend_from_slice(bytes);
    Ok(file)
}

/// The name of the file with the labels of a file of images, as MNIST has them: `train-images-idx3-ubyte`,
/// `train-labels-idx1-ubyte`. `None` if this is no file of images.
pub fn labels_name(name: &str) -> Option<String> {
    let labels = name.replacen("images", "labels", 1);
    let rank = (2..=MAX_AXES).find(|n| labels.contains(&format!("idx{n}")));
    let labels = rank.map_or(labels.clone(), |n| labels.replacen(&format!("idx{n}"), "idx1", 1));
    (labels != name).then_some(labels)
}

/// What a file is for, by its name.
pub fn split_of(name: &str) -> Option<Split> {
    let name = name.to_lowercase();
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    if starts(&["train"]) {
        Some(Split::Train)
    } else if starts(&["t10k", "test"]) {
        Some(Split::Test)
    } else {
        starts(&["calibration"]).then_some(Split::Calibration)
    }
}

fn broken(trouble: String) -> DataProblem {
    DataProblem::Broken { format: "IDX file", trouble }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_big_endian() {
        let case = |code: u8, payload: &[u8]| read(&[&[0, 0, code, 1, 0, 0, 0, 1], payload].concat()).unwrap().elements;
        assert_eq!(case(0x08, &[200]), Elements::U8(vec![200]));
        assert_eq!(case(0x09, &[200]), Elements::I8(vec![-56]));
        assert_eq!(case(0x0B, &[1, 2]), Elements::I16(vec![258]));
        assert_eq!(case(0x0C, &[0, 0, 1, 2]), Elements::I32(vec![258]));
        assert_eq!(case(0x0D, &1.5_f32.to_be_bytes()), Elements::F32(vec![1.5]));
        assert_eq!(case(0x0E, &1.5_f64.to_be_bytes()), Elements::F64(vec![1.5]));
    }

    #[test]
    fn what_is_written_is_read() {
        let file = write(&[2, 1, 3], &[1, 2, 3, 4, 5, 6]).unwrap();
        assert!(is_idx(&file));
        assert_eq!(read(&file).unwrap(), Array { shape: vec![2, 1, 3], elements: Elements::U8(vec![1, 2, 3, 4, 5, 6]) });
    }

    #[test]
    fn lies_are_refused() {
        let huge = [0, 0, 0x0E, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255];
        for (bytes, words) in [(&huge[..], "0 bytes follow"), (&[0, 0, 8, 2, 0], "within its header"), (&[0, 0, 7, 0], "0x07")] {
            let error = read(bytes).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn names_are_those_of_mnist() {
        assert_eq!(labels_name("train-images-idx3-ubyte").as_deref(), Some("train-labels-idx1-ubyte"));
        assert_eq!(labels_name("t10k-images.idx3-ubyte").as_deref(), Some("t10k-labels.idx1-ubyte"));
        assert_eq!(labels_name("train-labels-idx1-ubyte"), None);
        assert_eq!((split_of("t10k-images"), split_of("train"), split_of("x")), (Some(Split::Test), Some(Split::Train), None));
    }
}
