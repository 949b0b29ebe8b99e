//! The tensor form of a data set, which models are calibrated and measured with.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::file::INDEX;
use super::windows::Piece;
use super::{Kind, Library, Reader, Sample};
use crate::data::features::{self, FrontEnd, Pipeline};
use crate::data::{DataError, DataProblem, DataSet, MAX_FILE_BYTES, Signal, Split, Values};
use crate::progress::Cancel;

/// So many pieces are read at a time, enough for every thread.
const BATCH: usize = 256;

/// No more are read at a time once they have so many instants: what is read and not yet taken is little, however long recordings are.
const BATCH_INSTANTS: u64 = 1 << 22;

/// A thread reads at least so many pieces in a row: those of one recording lie together, and its file is read once.
const IN_A_ROW: usize = 16;

/// The tensor form, and where its samples come from.
#[derive(Clone, Debug)]
pub struct Tensors {
    /// The samples.
    pub set: DataSet,
    /// For each sample the piece it is, or is made of.
    pub pieces: Vec<Piece>,
}

/// Reads the samples of the data set in `folder`: recordings cut to windows, `[instants, axes]`, or what `features` make of each;
/// pictures and arrays as they are. Of a set with labels those without one are left out. Runs on rayon's current pool; the result
/// does not depend on it.
///
/// # Errors
/// [`DataError`]: samples of unlike shapes, which say how to cut them; a file that cannot be read; a stage that cannot take a
/// recording; more values than fit; [`DataProblem::Cancelled`] soon after `cancel` is raised.
pub fn tensors(folder: &Path, library: &Library, features: Option<&Pipeline>, cancel: &Cancel) -> Result<Tensors, DataError> {
    let of_index = |problem: DataProblem| problem.of(&folder.join(INDEX));
    let is_labelled = library.items.iter().any(|item| item.label.is_some());
    let wanted = |piece: &Piece| !is_labelled || library.items[piece.item].label.is_some();
    // A window may be asked for at every instant of a long recording: their number is known before any is made.
    let window_len = library.cutting().map_or(1, |window| window.length);
    check_size(library.n_pieces().saturating_mul(window_len)).map_err(of_index)?;

    let features = features.filter(|pipeline| library.kind.is_recorded() && !pipeline.stages.is_empty());
    let (mut all, mut left) = (Samples::default(), library.pieces().filter(wanted));
    let n_made = AtomicU64::new(0);
    loop {
        let batch = batch(&mut left);
        if batch.is_empty() {
            break;
        }
        let read = batch.par_iter().with_min_len(IN_A_ROW).map_init(
            || Reader::new(folder),
            |reader, piece| {
                cancel.check().map_err(|cancelled| of_index(cancelled.into()))?;
                let read = prepared(reader, library, piece, features, cancel)?;
                // A stage may make much of little: before all threads have done so.
                let n = read.n_values();
                check_size(n_made.fetch_add(n, Ordering::Relaxed).saturating_add(n)).map_err(of_index)?;
                Ok(read)
            },
        );
        let read: Vec<Result<Prepared, DataError>> = read.collect();
        for (piece, read) in batch.iter().zip(read) {
            // Only now is it a sample: an index may promise more than its files hold.
            all.push(library, *piece, read?).map_err(|problem| problem.of(&folder.join(&library.items[piece.item].file)))?;
        }
    }
    let none = || of_index(DataProblem::Unlike("it has no samples; import some, or choose a shorter window".into()));
    all.finish(library, is_labelled, features).ok_or_else(none)
}

/// The next pieces.
fn batch(left: &mut impl Iterator<Item = Piece>) -> Vec<Piece> {
    let (mut batch, mut n_instants) = (Vec::new(), 0_u64);
    while batch.len() < BATCH
        && n_instants < BATCH_INSTANTS
        && let Some(piece) = left.next()
    {
        n_instants = n_instants.saturating_add(piece.end.saturating_sub(piece.start));
        batch.push(piece);
    }
    batch
}

/// Reads a folder as [`open_with`](crate::data::open_with) does.
///
/// # Errors
/// As [`tensors`].
pub(crate) fn open(folder: &Path, features: Option<&Pipeline>, cancel: &Cancel) -> Result<DataSet, DataError> {
    Ok(tensors(folder, &Library::open(folder)?, features, cancel)?.set)
}

fn classes(library: &Library, pieces: &[Piece]) -> Arc<[u32]> {
    let classes = library.classes();
    let class = |piece: &Piece| library.items[piece.item].label.as_deref().and_then(|label| classes.get(label)).copied();
    pieces.iter().map(|piece| class(piece).unwrap_or(0)).collect()
}

/// A piece as it is stored.
struct Prepared {
    shape: Vec<usize>,
    values: Values,
    /// What was made of it.
    made: Option<Made>,
}

impl Prepared {
    /// Values that become samples.
    fn n_values(&self) -> u64 {
        let of_features = |made: &Made| made.samples.iter().map(|sample| sample.values.len()).sum();
        self.made.as_ref().map_or(self.values.len(), of_features) as u64
    }
}

/// Features of a piece.
struct Made {
    /// One, or as many as a window stage cuts it into.
    samples: Vec<features::Signal>,
    rate_hz: f64,
    n_channels: usize,
}

/// Reads a piece, and makes its features.
fn prepared(
    reader: &mut Reader,
    library: &Library,
    piece: &Piece,
    features: Option<&Pipeline>,
    cancel: &Cancel,
) -> Result<Prepared, DataError> {
    let item = &library.items[piece.item];
    let signal = match reader.read_span(library, item, (piece.start, piece.end))? {
        Sample::Array { shape, values } => return Ok(Prepared { shape, values, made: None }),
        Sample::Signal(signal) => signal,
    };
    let work = || {
        let signal = fitted(library, signal)?;
        let made = features.map(|pipeline| made_of(pipeline, &signal, cancel)).transpose()?;
        let shape = vec![signal.n_instants(), signal.axes.len()];
        Ok(Prepared { shape, values: Values::F32(signal.values.into()), made })
    };
    work().map_err(|problem: DataProblem| problem.of(&reader.folder().join(item.name())))
}

/// A recording of the set's rate, filled up to its window.
fn fitted(library: &Library, mut signal: Signal) -> Result<Signal, DataProblem> {
    if library.rate_hz.zip(signal.rate_hz).is_some_and(|(set, own)| library.kind == Kind::Sound && set != own) {
        let own = signal.rate_hz.unwrap_or(0.0);
        let set = library.rate_hz.unwrap_or(0.0);
        return Err(DataProblem::Unlike(format!("it is at {own} Hz, the set at {set} Hz; resample it, or take it out")));
    }
    if let Some(window) = library.cutting() {
        check_size(window.length.saturating_mul(signal.axes.len() as u64))?;
        signal.values.resize(window.length as usize * signal.axes.len(), 0.0);
    }
    Ok(signal)
}

fn made_of(pipeline: &Pipeline, signal: &Signal, cancel: &Cancel) -> Result<Made, DataProblem> {
    let unknown = || DataProblem::Unlike("it does not say how many instants a second it has; import it with --rate".into());
    let signal = features::Signal::recorded(signal.clone(), None).ok_or_else(unknown)?;
    let samples = pipeline.features(&signal, cancel)?;
    Ok(Made { samples, rate_hz: signal.rate_hz, n_channels: signal.channels.len() })
}

/// What was read so far.
#[derive(Default)]
struct Samples {
    stack: Stack,
    pieces: Vec<Piece>,
    origin: Option<Origin>,
    /// Rate and channels of the recordings that features were made of.
    recorded: Option<(f64, usize)>,
}

impl Samples {
    fn push(&mut self, library: &Library, piece: Piece, read: Prepared) -> Result<(), DataProblem> {
        let Prepared { shape, values, made } = read;
        self.origin.get_or_insert_with(|| Origin::new(library, &shape, &values)).push(&shape, &values);
        let Some(made) = made else {
            self.pieces.push(piece);
            return self.stack.push(shape, values);
        };
        self.recorded.get_or_insert((made.rate_hz, made.n_channels));
        for sample in made.samples {
            self.pieces.push(piece);
            self.stack.push(sample.shape(), Values::F32(sample.values.into()))?;
        }
        Ok(())
    }

    /// The set; `None` if there are no samples.
    fn finish(self, library: &Library, is_labelled: bool, features: Option<&Pipeline>) -> Option<Tensors> {
        let Self { stack, pieces, origin, recorded } = self;
        let (values, origin) = (Values::from(stack.values?), origin?);
        let has_splits = library.items.iter().any(|item| item.split.is_some());
        let labels_of = |pieces: &[Piece]| is_labelled.then(|| classes(library, pieces));
        let splits_of = |pieces: &[Piece]| -> Option<Arc<[Split]>> {
            has_splits.then(|| pieces.iter().map(|piece| library.items[piece.item].split.unwrap_or(Split::Train)).collect())
        };
        let mut recordings = pieces.clone();
        recordings.dedup();
        let hash = origin.finish(labels_of(&recordings).as_deref(), splits_of(&recordings).as_deref());
        let n_values = stack.shape.iter().product();
        let front_end = recorded.zip(features).map(|((rate_hz, n_channels), pipeline)| {
            Arc::new(FrontEnd { pipeline: pipeline.clone(), rate_hz, n_channels, n_values })
        });
        let set = DataSet {
            name: library.name.clone(),
            array: "x".to_owned(),
            sample_shape: stack.shape,
            layout: None,
            scale: scale(library, &values),
            values,
            zero_point: library.zero_point,
            labels: labels_of(&pieces),
            label_names: library.labels.clone(),
            splits: splits_of(&pieces),
            front_end,
            hash,
            more: Vec::new(),
        };
        Some(Tensors { set, pieces })
    }
}

fn scale(library: &Library, values: &Values) -> Option<f32> {
    library.scale.filter(|_| library.kind == Kind::Tensor && !matches!(values, Values::F32(_)))
}

/// The hash of what was read, so that a project can tell whether it has changed: not of names and notes. Features leave it as it
/// is: sums of floats differ in the last bit from one processor to the next, and the recordings are the same.
struct Origin {
    hasher: blake3::Hasher,
    shape: Vec<usize>,
    is_alike: bool,
    /// Instants of each piece.
    lengths: Vec<u64>,
}

impl Origin {
    fn new(library: &Library, shape: &[usize], values: &Values) -> Self {
        let mut hasher = blake3::Hasher::new();
        let scale = scale(library, values);
        hasher.update(format!("{shape:?} {:?} {scale:?} {}", library.labels, library.zero_point).as_bytes());
        Self { hasher, shape: shape.to_vec(), is_alike: true, lengths: Vec::new() }
    }

    fn push(&mut self, shape: &[usize], values: &Values) {
        self.hasher.update(values.bytes());
        self.is_alike &= self.shape == shape;
        self.lengths.push(shape.first().map_or(0, |&length| length as u64));
    }

    fn finish(mut self, labels: Option<&[u32]>, splits: Option<&[Split]>) -> [u8; 32] {
        self.hasher.update(bytemuck::cast_slice(labels.unwrap_or_default()));
        for split in splits.unwrap_or_default() {
            self.hasher.update(split.name().as_bytes());
        }
        if !self.is_alike {
            // Else two sets might hold the same values, cut in other places.
            self.hasher.update(bytemuck::cast_slice(&self.lengths));
        }
        *self.hasher.finalize().as_bytes()
    }
}

pub(in crate::data) fn check_size(n_values: u64) -> Result<(), DataProblem> {
    /// As many bytes of values as are read of one file.
    const MOST_VALUES: u64 = MAX_FILE_BYTES / 4;
    if n_values <= MOST_VALUES {
        return Ok(());
    }
    let trouble = format!("it makes {n_values} values, expected at most {MOST_VALUES}; take a longer stride or fewer items");
    Err(DataProblem::Unlike(trouble))
}

/// Samples of one shape and type, one after another.
#[derive(Default)]
struct Stack {
    shape: Vec<usize>,
    values: Option<Growing>,
}

enum Growing {
    F32(Vec<f32>),
    I8(Vec<i8>),
    U8(Vec<u8>),
    I16(Vec<i16>),
}

impl Stack {
    fn push(&mut self, shape: Vec<usize>, values: Values) -> Result<(), DataProblem> {
        let Some(all) = &mut self.values else {
            self.shape = shape;
            self.values = Some(match values {
                Values::F32(v) => Growing::F32(v.to_vec()),
                Values::I8(v) => Growing::I8(v.to_vec()),
                Values::U8(v) => Growing::U8(v.to_vec()),
                Values::I16(v) => Growing::I16(v.to_vec()),
            });
            return Ok(());
        };
        if self.shape != shape {
            return Err(DataProblem::Unlike(format!(
                "it has shape {shape:?}, those before it {:?}; cut recordings to one length with a window, or images to one size",
                self.shape
            )));
        }
        match (all, values) {
            (Growing::F32(all), Values::F32(v)) => all.extend_from_slice(&v),
            (Growing::I8(all), Values::I8(v)) => all.extend_from_slice(&v),
            (Growing::U8(all), Values::U8(v)) => all.extend_from_slice(&v),
            (Growing::I16(all), Values::I16(v)) => all.extend_from_slice(&v),
            _ => return Err(DataProblem::Unlike("its numbers are of another type than those before it".into())),
        }
        Ok(())
    }
}

impl From<Growing> for Values {
    fn from(growing: Growing) -> Self {
        match growing {
            Growing::F32(v) => Self::F32(v.into()),
            Growing::I8(v) => Self::I8(v.into()),
            Growing::U8(v) => Self::U8(v.into()),
            Growing::I16(v) => Self::I16(v.into()),
        }
    }
}
