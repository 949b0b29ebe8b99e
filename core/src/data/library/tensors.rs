//! The tensor form of a data set, which models are calibrated and measured with.

use std::path::Path;

use super::file::INDEX;
use super::windows::Piece;
use super::{Kind, Library, Reader, Sample};
use crate::data::{DataError, DataProblem, DataSet, MAX_FILE_BYTES, Signal, Split, Values};

/// What becomes of a piece of a recording before a model sees it.
pub struct Transform<'a> {
    /// Shape of what it gives.
    pub shape: Vec<usize>,
    /// From a piece to as many numbers as `shape` has; in the words of the caller why not.
    pub apply: &'a dyn Fn(&Signal) -> Result<Vec<f32>, String>,
}

/// The tensor form, and where its samples come from.
#[derive(Clone, Debug)]
pub struct Tensors {
    /// The samples.
    pub set: DataSet,
    /// For each sample the piece it is.
    pub pieces: Vec<Piece>,
}

/// Reads the samples of the data set in `folder`: recordings cut to windows, `[instants, axes]`, or what `transform` makes of
/// them; pictures and arrays as they are. Of a set with labels those without one are left out.
///
/// # Errors
/// [`DataError`]: samples of unlike shapes, which say how to cut them; a file that cannot be read; more values than fit.
pub fn tensors(folder: &Path, library: &Library, transform: Option<&Transform<'_>>) -> Result<Tensors, DataError> {
    let of_index = |problem: DataProblem| problem.of(&folder.join(INDEX));
    let is_labelled = library.items.iter().any(|item| item.label.is_some());
    let wanted = |piece: &Piece| !is_labelled || library.items[piece.item].label.is_some();
    // A window may be asked for at every instant of a long recording: their number is known before any is made.
    let window_len = library.cutting().map_or(1, |window| window.length);
    check_size(library.n_pieces().saturating_mul(window_len)).map_err(of_index)?;

    let mut reader = Reader::new(folder);
    let (mut stack, mut pieces) = (Stack::default(), Vec::new());
    for piece in library.pieces().filter(wanted) {
        let item = &library.items[piece.item];
        let sample = reader.read_span(library, item, (piece.start, piece.end))?;
        let added = prepared(library, sample, transform).and_then(|(shape, values)| stack.push(shape, values));
        added.map_err(|problem| problem.of(&folder.join(&item.file)))?;
        // Only now: an index may promise more than its files hold.
        pieces.push(piece);
    }
    let Some(values) = stack.values.filter(|_| !pieces.is_empty()) else {
        return Err(of_index(DataProblem::Unlike("it has no samples; import some, or choose a shorter window".into())));
    };
    let mut set = DataSet {
        name: library.name.clone(),
        sample_shape: stack.shape,
        layout: None,
        values: values.into(),
        scale: library.scale.filter(|_| library.kind == Kind::Tensor),
        zero_point: library.zero_point,
        labels: is_labelled.then(|| classes(library, &pieces)),
        label_names: library.labels.clone(),
        splits: library
            .items
            .iter()
            .any(|item| item.split.is_some())
            .then(|| pieces.iter().map(|piece| library.items[piece.item].split.unwrap_or(Split::Train)).collect()),
        hash: [0; 32],
    };
    if matches!(set.values, Values::F32(_)) {
        set.scale = None;
    }
    set.hash = hash(&set);
    Ok(Tensors { set, pieces })
}

/// Reads a folder as [`open`](crate::data::open) does.
///
/// # Errors
/// As [`tensors`].
pub(crate) fn open(folder: &Path) -> Result<DataSet, DataError> {
    Ok(tensors(folder, &Library::open(folder)?, None)?.set)
}

fn classes(library: &Library, pieces: &[Piece]) -> std::sync::Arc<[u32]> {
    let classes = library.classes();
    let class = |piece: &Piece| library.items[piece.item].label.as_deref().and_then(|label| classes.get(label)).copied();
    pieces.iter().map(|piece| class(piece).unwrap_or(0)).collect()
}

/// A sample as the model sees it.
fn prepared(library: &Library, sample: Sample, transform: Option<&Transform<'_>>) -> Result<(Vec<usize>, Values), DataProblem> {
    let mut signal = match sample {
        Sample::Array { shape, values } => return Ok((shape, values)),
        Sample::Signal(signal) => signal,
    };
    if library.rate_hz.zip(signal.rate_hz).is_some_and(|(set, own)| library.kind == Kind::Sound && set != own) {
        let own = signal.rate_hz.unwrap_or(0.0);
        let set = library.rate_hz.unwrap_or(0.0);
        return Err(DataProblem::Unlike(format!("it is at {own} Hz, the set at {set} Hz; resample it, or take it out")));
    }
    if let Some(window) = library.cutting() {
        check_size(window.length.saturating_mul(signal.axes.len() as u64))?;
        signal.values.resize(window.length as usize * signal.axes.len(), 0.0);
    }
    let Some(transform) = transform else {
        return Ok((vec![signal.n_instants(), signal.axes.len()], Values::F32(signal.values.into())));
    };
    let values = (transform.apply)(&signal).map_err(DataProblem::Unlike)?;
    if values.len() != transform.shape.iter().product::<usize>() {
        let trouble = format!("its features are {} numbers, expected shape {:?}", values.len(), transform.shape);
        return Err(DataProblem::Unlike(trouble));
    }
    Ok((transform.shape.clone(), Values::F32(values.into())))
}

fn check_size(n_values: u64) -> Result<(), DataProblem> {
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
    n_values: u64,
}

enum Growing {
    F32(Vec<f32>),
    I8(Vec<i8>),
    U8(Vec<u8>),
    I16(Vec<i16>),
}

impl Stack {
    fn push(&mut self, shape: Vec<usize>, values: Values) -> Result<(), DataProblem> {
        self.n_values += values.len() as u64;
        check_size(self.n_values)?;
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

/// Of what the samples are, so that a project can tell whether they have changed: not of their names and notes.
fn hash(set: &DataSet) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(format!("{:?} {:?} {:?} {}", set.sample_shape, set.label_names, set.scale, set.zero_point).as_bytes());
    hasher.update(set.values.bytes());
    hasher.update(bytemuck::cast_slice(set.labels.as_deref().unwrap_or_default()));
    set.splits.iter().flat_map(|splits| splits.iter()).for_each(|split| {
        hasher.update(split.name().as_bytes());
    });
    *hasher.finalize().as_bytes()
}
