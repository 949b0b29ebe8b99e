//! Constants: initializers and tensors in attributes as typed values, each decoded once.
//!
//! Floating point of every width becomes single precision, unsigned integers without a type of ours a wider signed one. Data
//! beside the model are read only from inside the model's folder.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path};
use std::sync::Arc;

use half::{bf16, f16};

use super::super::budget::Budget;
use super::super::error::{Trouble, quoted};
use super::proto;
use crate::quant::Quantization;
use crate::tensor::{Data, ElementType};

/// Values with a shape, in the order of the source.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Constant {
    pub(super) shape: Vec<usize>,
    pub(super) data: Data,
    /// How integers stand for real numbers; the axis is one of the source.
    pub(super) quantization: Option<Quantization>,
}

impl Constant {
    /// Plain values.
    pub(super) fn new(shape: Vec<usize>, data: Data) -> Self {
        Self { shape, data, quantization: None }
    }

    /// A constant of integers along one axis.
    pub(super) fn integers(values: Vec<i64>) -> Self {
        Self::new(vec![values.len()], Data::I64(values.into()))
    }
}

/// The types of an ONNX tensor by their number in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    F32,
    F64,
    F16,
    Bf16,
    I4,
    U4,
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    I64,
    U64,
    Bool,
}

impl Kind {
    fn from_number(number: i64) -> Option<Self> {
        Some(match number {
            1 => Self::F32,
            2 => Self::U8,
            3 => Self::I8,
            4 => Self::U16,
            5 => Self::I16,
            6 => Self::I32,
            7 => Self::I64,
            9 => Self::Bool,
            10 => Self::F16,
            11 => Self::F64,
            12 => Self::U32,
            13 => Self::U64,
            16 => Self::Bf16,
            21 => Self::U4,
            22 => Self::I4,
            _ => return None,
        })
    }

    fn bits(self) -> usize {
        match self {
            Self::I4 | Self::U4 => 4,
            Self::I8 | Self::U8 | Self::Bool => 8,
            Self::F16 | Self::Bf16 | Self::I16 | Self::U16 => 16,
            Self::F32 | Self::I32 | Self::U32 => 32,
            Self::F64 | Self::I64 | Self::U64 => 64,
        }
    }
}

/// The element type that a tensor of this type has here; `None` for text, complex numbers and 8-bit floats.
pub(super) fn element(data_type: i64) -> Option<ElementType> {
    Some(match Kind::from_number(data_type)? {
        Kind::F32 | Kind::F64 | Kind::F16 | Kind::Bf16 => ElementType::F32,
        Kind::I4 => ElementType::I4,
        Kind::I8 => ElementType::I8,
        Kind::U8 | Kind::U4 => ElementType::U8,
        Kind::I16 => ElementType::I16,
        Kind::I32 | Kind::U16 => ElementType::I32,
        Kind::I64 | Kind::U32 | Kind::U64 => ElementType::I64,
        Kind::Bool => ElementType::Bool,
    })
}

/// Reads tensors of one file.
pub(super) struct Tensors<'a> {
    /// Folder of the model, if it comes from a file.
    pub(super) folder: Option<&'a Path>,
    /// How many constants were of another floating point type than single precision.
    pub(super) n_other_floats: usize,
    /// How many bytes were read from beside the model.
    pub(super) outside_bytes: u64,
}

impl Tensors<'_> {
    /// The values of `tensor`.
    ///
    /// # Errors
    /// Its type, shape and values contradict each other, or its data lie where they must not.
    pub(super) fn decode(&mut self, tensor: &proto::Tensor<'_>, budget: &mut Budget) -> Result<Constant, Trouble> {
        let place = || format!("tensor {}", quoted(tensor.name));
        let shape = extents(&tensor.dims).ok_or_else(|| {
            Trouble::malformed(place(), format!("dimensions {:?}", first(&tensor.dims)), "a countable number of elements")
        })?;
        let n: usize = shape.iter().product();
        let kind = Kind::from_number(tensor.data_type).ok_or_else(|| Trouble::Unsupported {
            place: place(),
            what: format!("values of ONNX type {} are not read", tensor.data_type),
            remedy: "export the model with float32 or integer weights".into(),
        })?;
        let n_bytes = n.checked_mul(kind.bits()).map(|bits| bits.div_ceil(8));
        self.n_other_floats += usize::from(matches!(kind, Kind::F64 | Kind::F16 | Kind::Bf16));
        let data = if tensor.is_external {
            let n_bytes = n_bytes.ok_or_else(|| Trouble::malformed(place(), "too many elements", "fewer"))?;
            let bytes = self.outside(tensor, n_bytes)?;
            from_raw(kind, &bytes, n)
        } else if let Some(raw) = tensor.raw {
            if Some(raw.len()) != n_bytes {
                let expected = format!("{} for {n} elements", n_bytes.unwrap_or(usize::MAX));
                return Err(Trouble::malformed(place(), format!("{} bytes of values", raw.len()), expected));
            }
            budget.charge(n.saturating_mul(4.max(kind.bits() / 8)), place)?;
            from_raw(kind, raw, n)
        } else {
            from_fields(kind, tensor, n, budget)?
        };
        Ok(Constant::new(shape, data))
    }

    /// The bytes of a tensor that lie in a file beside the model.
    fn outside(&mut self, tensor: &proto::Tensor<'_>, n_bytes: usize) -> Result<Vec<u8>, Trouble> {
        let place = || format!("tensor {}", quoted(tensor.name));
        let get = |key: &str| tensor.external.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
        let number = |key: &str| match get(key) {
            Some(text) => text.trim().parse::<u64>().map(Some).map_err(|_| {
                Trouble::malformed(place(), format!("external data with {key} {}", quoted(text)), "a number of bytes")
            }),
            None => Ok(None),
        };
        let location = get("location").unwrap_or_default();
        let path = Path::new(location);
        let is_inside =
            !location.is_empty() && path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if !is_inside {
            return Err(Trouble::Unsupported {
                place: place(),
                what: format!("its values lie in {}, which is not inside the model's folder", quoted(location)),
                remedy: "only files inside that folder are read: put it there and save the model again".into(),
            });
        }
        let folder = self.folder.ok_or_else(|| Trouble::Unsupported {
            place: place(),
            what: format!("its values lie in a file of their own, {}", quoted(location)),
            remedy: "open the model from its file, with that file beside it".into(),
        })?;
        let (offset, length) = (number("offset")?.unwrap_or(0), number("length")?);
        if length.is_some_and(|length| length != n_bytes as u64) {
            let found = format!("{} bytes of external data", length.unwrap_or(0));
            return Err(Trouble::malformed(place(), found, format!("{n_bytes}")));
        }
        // Many tensors may name the same bytes.
        self.outside_bytes = self.outside_bytes.saturating_add(n_bytes as u64);
        if self.outside_bytes > super::super::MAX_FILE_BYTES {
            return Err(Trouble::TooLarge { size_bytes: self.outside_bytes, limit_bytes: super::super::MAX_FILE_BYTES });
        }
        let bytes = read_part(folder, path, offset, n_bytes).map_err(|why| Trouble::Unsupported {
            place: place(),
            what: format!("its values cannot be read from {}: {why}", quoted(location)),
            remedy: "keep the data file of the model in the same folder".into(),
        })?;
        Ok(bytes)
    }
}

/// `n_bytes` from `offset` of a file in `folder`, wherever links lead: the file itself has to lie inside.
fn read_part(folder: &Path, path: &Path, offset: u64, n_bytes: usize) -> Result<Vec<u8>, String> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let told = |error: std::io::Error| error.to_string();
    let (root, whole) = (folder.canonicalize().map_err(told)?, folder.join(path).canonicalize().map_err(told)?);
    if !whole.starts_with(&root) {
        return Err("it is a link that leads out of the model's folder".into());
    }
    let mut file = File::open(&whole).map_err(told)?;
    let metadata = file.metadata().map_err(told)?;
    let end = offset.checked_add(n_bytes as u64);
    if !metadata.is_file() || end.is_none_or(|end| end > metadata.len()) || n_bytes as u64 > super::super::MAX_FILE_BYTES {
        return Err(format!("bytes {offset} to {} are not in it", offset.saturating_add(n_bytes as u64)));
    }
    file.seek(SeekFrom::Start(offset)).map_err(told)?;
    let mut bytes = vec![0; n_bytes];
    file.read_exact(&mut bytes).map_err(told)?;
    Ok(bytes)
}

/// Dimensions as a shape whose elements can be counted.
pub(super) fn extents(dims: &[i64]) -> Option<Vec<usize>> {
    let shape: Option<Vec<usize>> = dims.iter().map(|&dim| usize::try_from(dim).ok()).collect();
    let shape = shape.filter(|shape| shape.len() <= MAX_RANK)?;
    let n = shape.iter().try_fold(1usize, |n, &extent| n.checked_mul(extent.max(1)))?;
    (n <= i64::MAX as usize / 8).then_some(shape)
}

/// The most axes of a tensor.
const MAX_RANK: usize = 16;

/// The first dimensions of a list that may be long.
fn first(dims: &[i64]) -> &[i64] {
    &dims[..dims.len().min(8)]
}

/// Little-endian bytes as values; there are as many as `n` of them take.
fn from_raw(kind: Kind, bytes: &[u8], n: usize) -> Data {
    match kind {
        Kind::F32 => Data::F32(bytes.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect()),
        Kind::F64 => Data::F32(bytes.as_chunks().0.iter().map(|&b| f64::from_le_bytes(b) as f32).collect()),
        Kind::F16 => Data::F32(bytes.as_chunks().0.iter().map(|&b| f16::from_le_bytes(b).to_f32()).collect()),
        Kind::Bf16 => Data::F32(bytes.as_chunks().0.iter().map(|&b| bf16::from_le_bytes(b).to_f32()).collect()),
        Kind::I4 => Data::I4((0..n).map(|i| (nibble(bytes, i) << 4) as i8 >> 4).collect()),
        Kind::U4 => Data::U8((0..n).map(|i| nibble(bytes, i)).collect()),
        Kind::I8 => Data::I8(bytes.iter().map(|&b| b as i8).collect()),
        Kind::U8 => Data::U8(bytes.into()),
        Kind::I16 => Data::I16(bytes.as_chunks().0.iter().map(|&b| i16::from_le_bytes(b)).collect()),
        Kind::U16 => Data::I32(bytes.as_chunks().0.iter().map(|&b| u16::from_le_bytes(b).into()).collect()),
        Kind::I32 => Data::I32(bytes.as_chunks().0.iter().map(|&b| i32::from_le_bytes(b)).collect()),
        Kind::U32 => Data::I64(bytes.as_chunks().0.iter().map(|&b| u32::from_le_bytes(b).into()).collect()),
        Kind::I64 | Kind::U64 => Data::I64(bytes.as_chunks().0.iter().map(|&b| i64::from_le_bytes(b)).collect()),
        Kind::Bool => Data::Bool(bytes.iter().map(|&b| u8::from(b != 0)).collect()),
    }
}

/// Value `i` of those that are packed two to a byte, the low half first.
fn nibble(bytes: &[u8], i: usize) -> u8 {
    let byte = bytes.get(i / 2).copied().unwrap_or(0);
    if i.is_multiple_of(2) { byte & 15 } else { byte >> 4 }
}

/// Values that stand in the typed fields of the message.
fn from_fields(kind: Kind, tensor: &proto::Tensor<'_>, n: usize, budget: &mut Budget) -> Result<Data, Trouble> {
    let place = || format!("tensor {}", quoted(tensor.name));
    let field = match kind {
        Kind::F32 => 4,
        Kind::F64 => 10,
        Kind::I64 => 7,
        Kind::U32 | Kind::U64 => 11,
        _ => 5,
    };
    let wires = || tensor.typed.iter().filter(|(number, _)| *number == field).map(|(_, wire)| *wire);
    let n_bytes: usize = wires().map(|wire| wire.bytes().len().max(1)).sum();
    budget.charge(n_bytes.saturating_mul(8), place)?;
    let miscounted = |found: usize| Trouble::malformed(place(), format!("{found} values"), format!("{n}"));
    if matches!(kind, Kind::F32 | Kind::F64) {
        let mut list = Vec::new();
        for wire in wires() {
            if kind == Kind::F32 {
                wire.push_floats(&mut list, "tensor.float_data")?
            } else {
                wire.push_doubles(&mut list, "tensor.double_data")?
            };
        }
        return if list.len() == n { Ok(Data::F32(list.into())) } else { Err(miscounted(list.len())) };
    }
    let mut list = Vec::new();
    for wire in wires() {
        wire.push_integers(&mut list, "tensor.int32_data")?;
    }
    if matches!(kind, Kind::I4 | Kind::U4) {
        let bytes: Vec<u8> = list.iter().map(|&v| v as u8).collect();
        return if bytes.len() == n.div_ceil(2) { Ok(from_raw(kind, &bytes, n)) } else { Err(miscounted(bytes.len() * 2)) };
    }
    if list.len() != n {
        return Err(miscounted(list.len()));
    }
    Ok(match kind {
        Kind::F16 => Data::F32(list.iter().map(|&v| f16::from_bits(v as u16).to_f32()).collect()),
        Kind::Bf16 => Data::F32(list.iter().map(|&v| bf16::from_bits(v as u16).to_f32()).collect()),
        Kind::I8 => Data::I8(list.iter().map(|&v| v as i8).collect()),
        Kind::U8 => Data::U8(list.iter().map(|&v| v as u8).collect()),
        Kind::I16 => Data::I16(list.iter().map(|&v| v as i16).collect()),
        Kind::U16 => Data::I32(list.iter().map(|&v| i32::from(v as u16)).collect()),
        Kind::I32 => Data::I32(list.iter().map(|&v| v as i32).collect()),
        Kind::Bool => Data::Bool(list.iter().map(|&v| u8::from(v != 0)).collect()),
        _ => Data::I64(Arc::from(list)),
    })
}

#[cfg(test)]
mod tests {
    use super::super::wire::Wire;
    use super::*;

    fn decode(tensor: &proto::Tensor<'_>) -> Result<Constant, Trouble> {
        let mut tensors = Tensors { folder: None, n_other_floats: 0, outside_bytes: 0 };
        tensors.decode(tensor, &mut Budget::for_file(&[]))
    }

    #[test]
    fn raw_bytes_and_typed_fields_give_the_same_values() {
        let raw = proto::Tensor { dims: vec![2], data_type: 10, raw: Some(&[0, 0x3c, 0, 0xc0]), ..proto::Tensor::default() };
        let typed = vec![(5, Wire::Varint(0x3c00)), (5, Wire::Varint(0xc000))];
        let typed = proto::Tensor { dims: vec![2], data_type: 10, typed, ..proto::Tensor::default() };
        assert_eq!(decode(&raw).unwrap().data, Data::F32([1.0, -2.0].into()));
        assert_eq!(decode(&typed).unwrap(), decode(&raw).unwrap());
        let int4 = proto::Tensor { dims: vec![3], data_type: 22, raw: Some(&[0x8f, 7]), ..proto::Tensor::default() };
        assert_eq!(decode(&int4).unwrap().data, Data::I4([-1, -8, 7].into()));
    }

    #[test]
    fn counts_that_do_not_agree_are_refused() {
        for (dims, raw) in
            [(vec![2], &[0u8; 7][..]), (vec![-2], &[]), (vec![1 << 31, 1 << 31], &[0; 8]), (vec![i64::MAX; 3], &[])]
        {
            let tensor = proto::Tensor { dims, data_type: 1, raw: Some(raw), ..proto::Tensor::default() };
            assert!(matches!(decode(&tensor), Err(Trouble::Malformed { .. })), "{tensor:?}");
        }
    }

    #[test]
    fn data_beside_the_model_stay_inside_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("weights.bin"), 1.5f32.to_le_bytes()).unwrap();
        let read = |location: &str| {
            let mut tensors = Tensors { folder: Some(folder.path()), n_other_floats: 0, outside_bytes: 0 };
            let external = vec![("location", location)];
            let tensor = proto::Tensor { dims: vec![1], data_type: 1, is_external: true, external, ..proto::Tensor::default() };
            tensors.decode(&tensor, &mut Budget::for_file(&[]))
        };
        assert_eq!(read("weights.bin").unwrap().data, Data::F32([1.5].into()));
        for location in ["../weights.bin", "/etc/passwd", "", "sub/../../x", "missing.bin"] {
            assert!(read(location).is_err(), "{location}");
        }
    }
}
