//! One sample from the disk.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::file::resolve;
use super::{Item, Kind, Library};
use crate::data::npy::Rows;
use crate::data::{DataError, DataProblem, Signal, Values, import, read_limited, samples_from, wav};

/// A sample as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub enum Sample {
    /// Of a recording.
    Signal(Signal),
    /// A picture `[height, width, channels]`, or an array.
    Array {
        /// Extents.
        shape: Vec<usize>,
        /// Row-major.
        values: Values,
    },
}

/// Reads samples of one data set. It remembers the file that it read last, since windows of a recording follow one another.
#[derive(Debug)]
pub struct Reader {
    folder: PathBuf,
    last: Option<(String, Last)>,
}

#[derive(Debug)]
enum Last {
    Signal(Arc<Signal>),
    Rows(Rows),
}

impl Reader {
    /// A reader of the data set in `folder`.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), last: None }
    }

    /// The folder of the data set.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Reads an item.
    ///
    /// # Errors
    /// [`DataError`] names its file and what is wrong with it.
    pub fn read(&mut self, library: &Library, item: &Item) -> Result<Sample, DataError> {
        self.read_span(library, item, item.span)
    }

    /// Reads a part of the file of an item.
    ///
    /// # Errors
    /// [`DataError`] names the file and what is wrong with it, such as that it is shorter than the index says.
    pub fn read_span(&mut self, library: &Library, item: &Item, span: (u64, u64)) -> Result<Sample, DataError> {
        self.sample(library, &item.file, span).map_err(|problem| problem.of(&self.folder.join(&item.file)))
    }

    fn sample(&mut self, library: &Library, file: &str, (start, end): (u64, u64)) -> Result<Sample, DataProblem> {
        if library.kind == Kind::Image {
            let image = import::image::decode(&read_limited(&resolve(&self.folder, file)?)?)?;
            return Ok(Sample::Array { shape: image.shape(), values: Values::U8(image.pixels.into()) });
        }
        if self.last.as_ref().is_none_or(|(last, _)| last != file) {
            self.last = Some((file.to_owned(), open(library.kind, &resolve(&self.folder, file)?)?));
        }
        let shorter = |n: u64| DataProblem::Broken {
            format: "sample",
            trouble: format!("it ends at {n}, its index says {end}; trim the item, or record it again"),
        };
        match &mut self.last {
            Some((_, Last::Rows(rows))) if end <= rows.n_rows() => {
                let (values, shape) = samples_from("x", rows.read(start, end)?, None)?;
                Ok(Sample::Array { shape, values })
            }
            Some((_, Last::Rows(rows))) => Err(shorter(rows.n_rows())),
            Some((_, Last::Signal(signal))) if end <= signal.n_instants() as u64 => {
                let signal = signal.cut(start as usize, end as usize);
                Ok(Sample::Signal(Signal { rate_hz: signal.rate_hz.or(library.rate_hz), ..signal }))
            }
            Some((_, Last::Signal(signal))) => Err(shorter(signal.n_instants() as u64)),
            None => Err(shorter(0)),
        }
    }
}

fn open(kind: Kind, path: &Path) -> Result<Last, DataProblem> {
    match kind {
        Kind::Tensor | Kind::Image => Ok(Last::Rows(Rows::open(path)?)),
        Kind::Sound => Ok(Last::Signal(Arc::new(wav::sound_from_wav(&read_limited(path)?)?.into()))),
        Kind::Series => {
            let table = import::text::table(&read_limited(path)?, import::text::Noise::Refuse)?;
            Ok(Last::Signal(Arc::new(table.signal()?)))
        }
    }
}
