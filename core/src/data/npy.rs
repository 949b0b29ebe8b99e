//! NumPy arrays: the `.npy` format, versions 1 to 3, in C or Fortran order, of either byte order.
//!
//! Our own reader, because labels and splits are unicode strings, which the crates for `.npy` do not read, and because a
//! header may declare any number of elements: nothing is allocated before the bytes are seen to be there. Refuses pickled
//! objects and structured types by name.
//!
//! Source: NumPy, "NPY format" (`numpy.lib.format`).

mod rows;

use std::io::{self, Write};

use half::f16;
pub use rows::Rows;

use super::{DataProblem, DataProblem::Malformed};

const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// The most axes that NumPy itself allows.
const MAX_AXES: usize = 64;

/// An array as read, in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Extents, outermost first; `[]` is a scalar.
    pub shape: Vec<usize>,
    /// The elements.
    pub elements: Elements,
}

/// The elements of an [`Array`], in this machine's byte order.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "each variant is named after its type")]
pub enum Elements {
    I8(Vec<i8>),
    U8(Vec<u8>),
    I16(Vec<i16>),
    U16(Vec<u16>),
    I32(Vec<i32>),
    U32(Vec<u32>),
    I64(Vec<i64>),
    U64(Vec<u64>),
    F32(Vec<f32>),
    F64(Vec<f64>),
    /// Unicode or byte strings, without the padding at their ends.
    Text(Vec<String>),
}

/// What the header of a `.npy` file says.
#[derive(Debug)]
struct Header {
    descr: String,
    fortran_order: bool,
    shape: Vec<usize>,
}

impl Elements {
    /// The type's name, as NumPy has it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::I8(_) => "int8",
            Self::U8(_) => "uint8",
            Self::I16(_) => "int16",
            Self::U16(_) => "uint16",
            Self::I32(_) => "int32",
            Self::U32(_) => "uint32",
            Self::I64(_) => "int64",
            Self::U64(_) => "uint64",
            Self::F32(_) => "float32",
            Self::F64(_) => "float64",
            Self::Text(_) => "text",
        }
    }

    /// How many bytes they take.
    pub fn n_bytes(&self) -> u64 {
        let n = match self {
            Self::I8(v) => size_of_val(v.as_slice()),
            Self::U8(v) => size_of_val(v.as_slice()),
            Self::I16(v) => size_of_val(v.as_slice()),
            Self::U16(v) => size_of_val(v.as_slice()),
            Self::I32(v) => size_of_val(v.as_slice()),
            Self::U32(v) => size_of_val(v.as_slice()),
            Self::I64(v) => size_of_val(v.as_slice()),
            Self::U64(v) => size_of_val(v.as_slice()),
            Self::F32(v) => size_of_val(v.as_slice()),
            Self::F64(v) => size_of_val(v.as_slice()),
            Self::Text(v) => v.iter().map(String::len).sum(),
        };
        n as u64
    }

    /// The elements as `f64`; `None` for text.
    pub fn to_f64(&self) -> Option<Vec<f64>> {
        match self {
            Self::I8(v) => Some(v.iter().map(|&x| x.into()).collect()),
            Self::U8(v) => Some(v.iter().map(|&x| x.into()).collect()),
            Self::I16(v) => Some(v.iter().map(|&x| x.into()).collect()),
            Self::U16(v) => Some(v.iter().map(|&x| x.into()).collect()),
            Self::I32(v) => Some(v.iter().map(|&x| x.into()).collect()),
            Self::U32(v) => Some(v.iter().map(|&x| x.into()).collect()),
            Self::I64(v) => Some(v.iter().map(|&x| x as f64).collect()),
            Self::U64(v) => Some(v.iter().map(|&x| x as f64).collect()),
            Self::F32(v) => Some(v.iter().map(|&x| x.into()).collect()),
            Self::F64(v) => Some(v.clone()),
            Self::Text(_) => None,
        }
    }
}

/// Reads the bytes of a `.npy` file.
///
/// # Errors
/// What is wrong with the header, or that there are fewer bytes than it declares.
pub fn read(bytes: &[u8]) -> Result<Array, DataProblem> {
    let (header, payload) = read_header(bytes)?;
    let n =
        header.shape.iter().try_fold(1_usize, |n, &extent| n.checked_mul(extent)).ok_or_else(|| {
            Malformed(format!("its header declares shape {:?}, more elements than can be counted", header.shape))
        })?;
    let elements = read_elements(&header.descr, &header.shape, n, payload)?;
    if header.fortran_order && header.shape.len() > 1 {
        let order = row_major_order(&header.shape, n);
        return Ok(Array { elements: reordered(&elements, &order), shape: header.shape });
    }
    Ok(Array { shape: header.shape, elements })
}

/// Writes an array: `descr` is NumPy's name of the element type (`|i1`, `<f4`), `bytes` its little-endian elements.
///
/// # Errors
/// Those of `out`.
pub fn write(out: &mut dyn Write, descr: &str, shape: &[usize], bytes: &[u8]) -> io::Result<()> {
    let extents: String = shape.iter().map(|extent| format!("{extent}, ")).collect();
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}), }}", extents.trim_end());
    // The data begin at a multiple of 64 bytes; the header ends with a new line.
    let unpadded = MAGIC.len() + 4 + header.len() + 1;
    header.push_str(&" ".repeat(unpadded.next_multiple_of(64) - unpadded));
    header.push('\n');
    let length = u16::try_from(header.len()).map_err(|_| io::Error::other("too many axes for a .npy file"))?;
    out.write_all(MAGIC)?;
    out.write_all(&[1, 0])?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(header.as_bytes())?;
    out.write_all(bytes)
}

/// Parts a file into its header and what follows.
fn read_header(bytes: &[u8]) -> Result<(Header, &[u8]), DataProblem> {
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| Malformed("it does not begin with \\x93NUMPY".into()))?;
    let cut = || Malformed("it ends within its header".into());
    let (version, rest) = rest.split_at_checked(2).ok_or_else(cut)?;
    let (length, rest) = match version[0] {
        1 => rest.split_first_chunk::<2>().map(|(n, rest)| (u16::from_le_bytes(*n) as usize, rest)),
        2 | 3 => rest.split_first_chunk::<4>().map(|(n, rest)| (u32::from_le_bytes(*n) as usize, rest)),
        other => return Err(Malformed(format!("version {other} of the .npy format, expected 1 to 3"))),
    }
    .ok_or_else(cut)?;
    let (header, payload) = rest.split_at_checked(length).ok_or_else(cut)?;
    let header = std::str::from_utf8(header).map_err(|_| Malformed("its header is not text".into()))?;
    Ok((parse_header(header)?, payload))
}

/// Parses the header, a Python dictionary: `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
fn parse_header(header: &str) -> Result<Header, DataProblem> {
    let value = |key: &str| {
        let quoted = [format!("'{key}'"), format!("\"{key}\"")];
        let after = quoted.iter().find_map(|quoted| header.split_once(quoted.as_str())).map(|(_, after)| after.trim_start());
        after
            .and_then(|after| after.strip_prefix(':'))
            .map(str::trim_start)
            .ok_or_else(|| Malformed(format!("its header has no {key}")))
    };
    let descr = value("descr")?;
    let quote = descr.chars().next().filter(|c| matches!(c, '\'' | '"'));
    let Some(quote) = quote else {
        return Err(Malformed("its elements are records of several fields, expected one number or text each".into()));
    };
    let descr = descr[1..].split(quote).next().unwrap_or_default().to_owned();
    let fortran_order = value("fortran_order")?.starts_with("True");
    let shape = value("shape")?;
    let shape = shape.strip_prefix('(').and_then(|s| s.split_once(')')).map(|(inside, _)| inside);
    let shape = shape.ok_or_else(|| Malformed("the shape in its header is not a tuple".into()))?;
    let extents = shape.split(',').map(str::trim).filter(|extent| !extent.is_empty());
    let shape: Vec<usize> = extents
        .map(|extent| extent.parse().map_err(|_| Malformed(format!("its header declares an extent of \"{extent}\""))))
        .collect::<Result<_, _>>()?;
    if shape.len() > MAX_AXES {
        return Err(Malformed(format!("its header declares {} axes, expected at most {MAX_AXES}", shape.len())));
    }
    Ok(Header { descr, fortran_order, shape })
}

fn read_elements(descr: &str, shape: &[usize], n: usize, payload: &[u8]) -> Result<Elements, DataProblem> {
    let unsupported = || match descr.trim_start_matches(['<', '>', '|', '=']).chars().next() {
        Some('O') => Malformed("it holds pickled Python objects, which are never unpacked; save numbers or text".into()),
        _ => Malformed(format!("elements of type \"{descr}\" are not supported")),
    };
    let is_ascii = descr.is_ascii() && descr.len() >= 3;
    let (order, code) = if is_ascii { descr.split_at(1) } else { return Err(unsupported()) };
    let big_endian = match order {
        ">" => true,
        "<" | "|" | "=" => false,
        _ => return Err(unsupported()),
    };
    let (kind, size) = code.split_at(1);
    let size: usize = size.parse().map_err(|_| unsupported())?;
    let element_bytes = if kind == "U" { size.checked_mul(4) } else { Some(size) };
    let n_bytes = element_bytes.and_then(|bytes| bytes.checked_mul(n)).filter(|&bytes| bytes <= payload.len());
    let payload = n_bytes.map(|n_bytes| &payload[..n_bytes]).ok_or_else(|| {
        Malformed(format!("its header declares shape {shape:?} of {descr}, but only {} bytes follow", payload.len()))
    })?;
    Ok(match (kind, size) {
        ("b" | "u", 1) => Elements::U8(payload.to_vec()),
        ("i", 1) => Elements::I8(payload.iter().map(|&b| b as i8).collect()),
        ("i", 2) => Elements::I16(numbers(payload, big_endian, i16::from_le_bytes)),
        ("u", 2) => Elements::U16(numbers(payload, big_endian, u16::from_le_bytes)),
        ("i", 4) => Elements::I32(numbers(payload, big_endian, i32::from_le_bytes)),
        ("u", 4) => Elements::U32(numbers(payload, big_endian, u32::from_le_bytes)),
        ("i", 8) => Elements::I64(numbers(payload, big_endian, i64::from_le_bytes)),
        ("u", 8) => Elements::U64(numbers(payload, big_endian, u64::from_le_bytes)),
        ("f", 2) => Elements::F32(numbers(payload, big_endian, |b| f16::from_le_bytes(b).to_f32())),
        ("f", 4) => Elements::F32(numbers(payload, big_endian, f32::from_le_bytes)),
        ("f", 8) => Elements::F64(numbers(payload, big_endian, f64::from_le_bytes)),
        // Strings of no length leave no bytes to hold the count against: `n` may be anything.
        ("U" | "S", 0) => return Err(Malformed(format!("elements of type \"{descr}\" hold nothing"))),
        ("U", _) => Elements::Text(payload.chunks_exact(size * 4).map(|chars| unicode(chars, big_endian)).collect()),
        ("S", _) => Elements::Text(payload.chunks_exact(size).map(ascii).collect()),
        _ => return Err(unsupported()),
    })
}

fn numbers<const N: usize, T>(payload: &[u8], big_endian: bool, from_le: impl Fn([u8; N]) -> T) -> Vec<T> {
    let (chunks, _) = payload.as_chunks::<N>();
    chunks
        .iter()
        .map(|&chunk| {
            let mut bytes = chunk;
            if big_endian {
                bytes.reverse();
            }
            from_le(bytes)
        })
        .collect()
}

/// UTF-32 with zeros at the end.
fn unicode(bytes: &[u8], big_endian: bool) -> String {
    let code_points = numbers(bytes, big_endian, u32::from_le_bytes);
    let text: String = code_points.iter().map(|&c| char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    text.trim_end_matches('\0').to_owned()
}

fn ascii(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned()
}

/// For each element in row-major order its position in column-major order. `n` elements are known to be in memory.
fn row_major_order(shape: &[usize], n: usize) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    let mut order = Vec::with_capacity(n);
    for _ in 0..n {
        order.push(index.iter().zip(shape).rev().fold(0, |position, (i, extent)| position * extent + i));
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    order
}

fn reordered(elements: &Elements, order: &[usize]) -> Elements {
    fn pick<T: Clone>(v: &[T], order: &[usize]) -> Vec<T> {
        order.iter().map(|&i| v[i].clone()).collect()
    }
    match elements {
        Elements::I8(v) => Elements::I8(pick(v, order)),
        Elements::U8(v) => Elements::U8(pick(v, order)),
        Elements::I16(v) => Elements::I16(pick(v, order)),
        Elements::U16(v) => Elements::U16(pick(v, order)),
        Elements::I32(v) => Elements::I32(pick(v, order)),
        Elements::U32(v) => Elements::U32(pick(v, order)),
        Elements::I64(v) => Elements::I64(pick(v, order)),
        Elements::U64(v) => Elements::U64(pick(v, order)),
        Elements::F32(v) => Elements::F32(pick(v, order)),
        Elements::F64(v) => Elements::F64(pick(v, order)),
        Elements::Text(v) => Elements::Text(pick(v, order)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn npy(descr: &str, fortran: &str, shape: &str, payload: &[u8]) -> Vec<u8> {
        let header = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
        let mut bytes = MAGIC.to_vec();
        bytes.extend([1, 0]);
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(payload);
        bytes
    }

    #[test]
    fn column_order_and_big_endian_become_row_order() {
        // numpy.asfortranarray(numpy.arange(6, dtype='>i2').reshape(2, 3)): columns 0 3, 1 4, 2 5.
        let payload: Vec<u8> = [0_i16, 3, 1, 4, 2, 5].iter().flat_map(|x| x.to_be_bytes()).collect();
        let array = read(&npy(">i2", "True", "(2, 3)", &payload)).unwrap();
        assert_eq!(array, Array { shape: vec![2, 3], elements: Elements::I16(vec![0, 1, 2, 3, 4, 5]) });
    }

    #[test]
    fn unicode_loses_its_padding() {
        let payload: Vec<u8> = ['j', 'a', '\0', 'n', 'e', 'é'].iter().flat_map(|&c| (c as u32).to_le_bytes()).collect();
        let array = read(&npy("<U3", "False", "(2,)", &payload)).unwrap();
        assert_eq!(array.elements, Elements::Text(vec!["ja".into(), "neé".into()]));
    }

    #[test]
    fn what_is_written_is_read() {
        let mut file = Vec::new();
        write(&mut file, "|i1", &[2, 2], &[1, 2, 3, 255]).unwrap();
        assert_eq!(file.len(), 64 * 2 + 4);
        assert_eq!(read(&file).unwrap(), Array { shape: vec![2, 2], elements: Elements::I8(vec![1, 2, 3, -1]) });
    }

    #[test]
    fn scalars_have_no_axes() {
        let array = read(&npy("<f4", "False", "()", &1.5_f32.to_le_bytes())).unwrap();
        assert_eq!(array, Array { shape: vec![], elements: Elements::F32(vec![1.5]) });
    }

    #[test]
    fn lies_are_refused_by_name() {
        let cases: [(Vec<u8>, &str); 7] = [
            (npy("<f4", "False", "(4611686018427387904, 4)", b""), "can be counted"),
            (npy("<f4", "False", "(1000000000000,)", b"1234"), "only 4 bytes follow"),
            (npy("|O", "False", "(1,)", b"cos.system"), "pickled"),
            (npy("<U0", "False", "(1000000000000,)", b""), "hold nothing"),
            (npy("<f4", "False", "(-1,)", b""), "extent of \"-1\""),
            (npy("<c8", "False", "(1,)", b"12345678"), "not supported"),
            (b"\x93NUMPZ\x01\x00".to_vec(), "begin with"),
        ];
        for (bytes, expected) in cases {
            let error = read(&bytes).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_give_an_array_or_an_error(
            start in proptest::sample::select(vec![&b""[..], b"\x93NUMPY\x01\x00\x30\x00{'descr': '<f4', 'fortran_order': True, 'shape': ("]),
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200),
        ) {
            let _ = read(&[start, &bytes].concat());
        }
    }
}
