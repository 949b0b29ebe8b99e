//! Rows of an array that stays on the disk.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::{Array, Header, Malformed, read_elements, read_header};
use crate::data::DataProblem;

/// More bytes than any header of numbers has.
const MAX_HEADER_BYTES: u64 = 64 << 10;

/// An array `[rows, ..]` in a file; its rows are read when they are wanted.
#[derive(Debug)]
pub struct Rows {
    file: File,
    header: Header,
    payload_at: u64,
    row_bytes: u64,
}

impl Rows {
    /// Opens an array in C order of elements of a fixed size.
    ///
    /// # Errors
    /// It is no such array, or shorter than its header says.
    pub fn open(path: &Path) -> Result<Self, DataProblem> {
        let mut file = File::open(path)?;
        let file_bytes = file.metadata()?.len();
        let mut start = Vec::new();
        (&mut file).take(MAX_HEADER_BYTES).read_to_end(&mut start)?;
        let (header, rest) = read_header(&start)?;
        let payload_at = (start.len() - rest.len()) as u64;
        if header.fortran_order && header.shape.len() > 1 {
            return Err(Malformed("it is in column order; save it with numpy.ascontiguousarray".into()));
        }
        let Some((&n_rows, of_row)) = header.shape.split_first().filter(|(n, _)| **n > 0) else {
            return Err(Malformed(format!("its shape is {:?}, expected [rows, …]", header.shape)));
        };
        let payload = file_bytes.saturating_sub(payload_at);
        let n_of_row = of_row.iter().try_fold(1_u64, |n, &extent| n.checked_mul(extent as u64));
        let element = element_bytes(&header.descr);
        let row_bytes = n_of_row.zip(element).and_then(|(n, bytes)| n.checked_mul(bytes));
        let whole = row_bytes.and_then(|bytes| bytes.checked_mul(n_rows as u64)).filter(|&bytes| bytes <= payload);
        match (row_bytes, whole) {
            (Some(row_bytes), Some(_)) => Ok(Self { file, header, payload_at, row_bytes }),
            _ => Err(Malformed(format!(
                "its header declares shape {:?} of {}, but only {payload} bytes follow",
                header.shape, header.descr
            ))),
        }
    }

    /// How many rows there are.
    pub fn n_rows(&self) -> u64 {
        self.header.shape.first().map_or(0, |&n| n as u64)
    }

    /// The rows `start..end`, `[end - start, ..]`.
    ///
    /// # Errors
    /// There are not so many, or the file cannot be read.
    pub fn read(&mut self, start: u64, end: u64) -> Result<Array, DataProblem> {
        if start > end || end > self.n_rows() {
            return Err(Malformed(format!("it has {} rows, not {start} to {end}", self.n_rows())));
        }
        self.file.seek(SeekFrom::Start(self.payload_at + start * self.row_bytes))?;
        let mut bytes = vec![0; ((end - start) * self.row_bytes) as usize];
        self.file.read_exact(&mut bytes)?;
        let mut shape = self.header.shape.clone();
        shape[0] = (end - start) as usize;
        let n = shape.iter().product();
        Ok(Array { elements: read_elements(&self.header.descr, &shape, n, &bytes)?, shape })
    }
}

/// Bytes of a number of this type; `None` for what is none.
fn element_bytes(descr: &str) -> Option<u64> {
    let code = descr.trim_start_matches(['<', '>', '|', '=']);
    let size = code.get(1..)?.parse().ok()?;
    (code.starts_with(['b', 'i', 'u', 'f']) && (1..=8).contains(&size)).then_some(size)
}

#[cfg(test)]
mod tests {
    use super::super::{Elements, write};
    use super::*;

    #[test]
    fn rows_come_one_by_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.npy");
        write(&mut File::create(&path).unwrap(), "<i2", &[3, 2], &[1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0]).unwrap();
        let mut rows = Rows::open(&path).unwrap();
        assert_eq!(rows.n_rows(), 3);
        assert_eq!(rows.read(1, 3).unwrap(), Array { shape: vec![2, 2], elements: Elements::I16(vec![3, 4, 5, 6]) });
        assert!(rows.read(2, 4).is_err());
    }

    #[test]
    fn arrays_that_lie_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rows.npy");
        let refusal = |shape: &[usize]| {
            write(&mut File::create(&path).unwrap(), "<i2", shape, &[1, 0, 2, 0]).unwrap();
            Rows::open(&path).unwrap_err().to_string()
        };
        assert!(refusal(&[3]).contains("only 4 bytes"));
        assert!(refusal(&[usize::MAX, usize::MAX]).contains("only 4 bytes"));
        assert!(refusal(&[]).contains("expected [rows"));
    }
}
