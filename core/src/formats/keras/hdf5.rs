//! HDF5 files as folders, texts and numbers: the one module that knows the crate `hdf5-pure`.
//!
//! Files are untrusted. What the crate reads of them is metered, because a few bytes can name a long text thousands of
//! times; what a dataset unfolds to is charged before it is read; and should the crate panic over a file that it did not
//! foresee, that is an error like any other.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use half::f16;
use hdf5_pure::{DType, Dataset, Datatype, Error, File, FormatError, Group, Source};

use super::super::budget::Budget;
use super::super::error::{Trouble, quoted};

/// The first bytes of every HDF5 file.
pub(super) const SIGNATURE: &[u8] = b"\x89HDF\r\n\x1a\n";

/// Times its own length that a file may be read; descriptions of groups are read more than once.
const READINGS: u64 = 24;
/// What is read of even the smallest file.
const FREE_BYTES: u64 = 1 << 20;

/// A chunk may hold so many times the elements of its dataset: only data sets that can grow have a reason to.
const CHUNK_EXCESS: u64 = 4;
/// Below this many elements a chunk is of no concern.
const SMALL_CHUNK: u64 = 4096;

/// A folder ("group") of a file; what lies in it is listed once, when first asked for.
pub(super) struct Folder {
    path: String,
    group: Group,
    contents: OnceCell<Contents>,
}

#[derive(Default)]
struct Contents {
    folders: HashMap<String, Folder>,
    arrays: HashMap<String, Array>,
}

/// An array of numbers ("dataset"), not yet read.
pub(super) struct Array {
    path: String,
    dataset: Dataset,
}

/// The outermost folder of the file with these bytes.
///
/// # Errors
/// The bytes are no HDF5 file, or a damaged one.
pub(super) fn open(bytes: Vec<u8>) -> Result<Folder, Trouble> {
    let allowed = (bytes.len() as u64).saturating_mul(READINGS).saturating_add(FREE_BYTES);
    let source = Metered { bytes, left: AtomicU64::new(allowed) };
    let group = guarded("HDF5 file", || Ok(File::from_source(source)?.root()))?;
    Ok(Folder { path: String::new(), group, contents: OnceCell::new() })
}

/// Runs the crate on the file; its errors and panics become troubles.
fn guarded<T>(place: &str, read: impl FnOnce() -> Result<T, Error>) -> Result<T, Trouble> {
    let found = match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "contents that contradict themselves".into(),
    };
    Err(Trouble::malformed(place, found, "an intact HDF5 file"))
}

/// The file's bytes, of which only so many are handed out.
struct Metered {
    bytes: Vec<u8>,
    left: AtomicU64,
}

impl Source for Metered {
    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), FormatError> {
        let wanted = buffer.len() as u64;
        let taken = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(wanted));
        if taken.is_err() {
            return Err(FormatError::Source("far more contents than a file of this length holds".into()));
        }
        let start = usize::try_from(offset).ok();
        let range = start.and_then(|start| Some(start..start.checked_add(buffer.len())?));
        let bytes = range.and_then(|range| self.bytes.get(range)).ok_or(FormatError::UnexpectedEof {
            expected: start.unwrap_or(usize::MAX).saturating_add(buffer.len()),
            available: self.bytes.len(),
        })?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }
}

impl Folder {
    /// The texts stored beside the folder's contents ("attributes"), by name.
    ///
    /// # Errors
    /// The file is damaged there.
    pub(super) fn texts(&self) -> Result<HashMap<String, Vec<String>>, Trouble> {
        let attributes = guarded(&self.place(), || self.group.attrs())?;
        let texts = attributes.into_iter().filter_map(|(name, value)| Some((name, value.as_strings()?.to_vec())));
        Ok(texts.collect())
    }

    /// A folder below this one; `path` is parted by slashes.
    ///
    /// # Errors
    /// The file is damaged on the way there.
    pub(super) fn folder(&self, path: &str) -> Result<Option<&Folder>, Trouble> {
        let mut folder = self;
        for name in path.split('/').filter(|name| !name.is_empty()) {
            match folder.contents()?.folders.get(name) {
                Some(inner) => folder = inner,
                None => return Ok(None),
            }
        }
        Ok(Some(folder))
    }

    /// An array below this folder; `path` is parted by slashes.
    ///
    /// # Errors
    /// The file is damaged on the way there.
    pub(super) fn array(&self, path: &str) -> Result<Option<&Array>, Trouble> {
        let (outer, name) = path.rsplit_once('/').unwrap_or(("", path));
        match self.folder(outer)? {
            Some(folder) => Ok(folder.contents()?.arrays.get(name)),
            None => Ok(None),
        }
    }

    /// The folders right within this one, in the order of their names.
    ///
    /// # Errors
    /// The file is damaged there.
    pub(super) fn folders(&self) -> Result<Vec<(&str, &Folder)>, Trouble> {
        let mut folders: Vec<_> = self.contents()?.folders.iter().map(|(name, folder)| (name.as_str(), folder)).collect();
        folders.sort_unstable_by_key(|(name, _)| *name);
        Ok(folders)
    }

    fn contents(&self) -> Result<&Contents, Trouble> {
        if let Some(contents) = self.contents.get() {
            return Ok(contents);
        }
        let contents = guarded(&self.place(), || {
            let inner = |name: &str| format!("{}/{name}", self.path);
            let folders = self.group.iter_groups()?.map(|(name, group)| {
                let folder = Folder { path: inner(&name), group, contents: OnceCell::new() };
                (name, folder)
            });
            let arrays = self.group.iter_datasets()?.map(|(name, dataset)| {
                let array = Array { path: inner(&name), dataset };
                (name, array)
            });
            Ok(Contents { folders: folders.collect(), arrays: arrays.collect() })
        })?;
        Ok(self.contents.get_or_init(|| contents))
    }

    fn place(&self) -> String {
        if self.path.is_empty() { "HDF5 file".into() } else { format!("HDF5 group {}", quoted(&self.path)) }
    }
}

impl Array {
    /// Extents, outermost first.
    ///
    /// # Errors
    /// The file is damaged there.
    pub(super) fn shape(&self) -> Result<Vec<usize>, Trouble> {
        let shape = guarded(&self.place(), || self.dataset.shape())?;
        let extents: Option<Vec<usize>> = shape.iter().map(|&extent| usize::try_from(extent).ok()).collect();
        extents.ok_or_else(|| self.trouble(format!("shape {shape:?}"), "extents that can be counted"))
    }

    /// The numbers, as single precision.
    ///
    /// # Errors
    /// The file is damaged there, or holds something else than real numbers.
    pub(super) fn read(&self, budget: &mut Budget) -> Result<Vec<f32>, Trouble> {
        let n = self.shape()?.iter().try_fold(1_usize, |n, &extent| n.checked_mul(extent)).unwrap_or(usize::MAX);
        budget.charge(n.saturating_mul(size_of::<f32>()), || self.place())?;
        self.check_chunks(n as u64)?;
        let values = match guarded(&self.place(), || self.dataset.dtype())? {
            DType::F32 | DType::F64 => guarded(&self.place(), || self.dataset.read_f32())?,
            DType::Other(other) if is_half(&other) => {
                let bytes = guarded(&self.place(), || self.dataset.read_raw())?;
                bytes.as_chunks().0.iter().map(|&pair| f16::from_le_bytes(pair).to_f32()).collect()
            }
            _ => return Err(self.trouble("numbers that are no floats".into(), "float32 (a model before any quantization)")),
        };
        if values.len() != n {
            return Err(self.trouble(format!("{} values", values.len()), &format!("the {n} of its shape")));
        }
        Ok(values)
    }

    /// Chunks are unfolded whole: one that is far larger than its dataset is there to fill memory.
    fn check_chunks(&self, n: u64) -> Result<(), Trouble> {
        let Some(chunk) = guarded(&self.place(), || self.dataset.chunk_shape())? else { return Ok(()) };
        let n_chunk = chunk.iter().try_fold(1_u64, |n, &extent| n.checked_mul(extent)).unwrap_or(u64::MAX);
        if n_chunk > n.saturating_mul(CHUNK_EXCESS).max(SMALL_CHUNK) {
            return Err(self.trouble(format!("chunks of {chunk:?} for {n} values"), "chunks no larger than the data"));
        }
        Ok(())
    }

    fn trouble(&self, found: String, expected: &str) -> Trouble {
        Trouble::malformed(self.place(), found, expected)
    }

    fn place(&self) -> String {
        format!("HDF5 dataset {}", quoted(&self.path))
    }
}

/// IEEE 754 half precision, little endian.
fn is_half(datatype: &Datatype) -> bool {
    matches!(datatype, Datatype::FloatingPoint { size: 2, .. })
}

/// A file with nothing in it.
#[cfg(test)]
pub(super) fn empty() -> Vec<u8> {
    hdf5_pure::FileBuilder::new().finish().expect("memory")
}
