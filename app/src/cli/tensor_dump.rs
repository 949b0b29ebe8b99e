//! Every tensor of a model, sample after sample, as one `.npy` each.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use tinsmith_core::data::npy;
use tinsmith_core::execute::executor::Executor;
use tinsmith_core::execute::{float, int8};
use tinsmith_core::graph::{Graph, TensorId};
use tinsmith_core::progress::Cancel;

use super::Failure;
use super::evaluate::{batched, descr, part_of};
use super::interrupt::Draft;

/// Runs `n_samples`, whose bytes for each input are `inputs`, on this thread and writes what every node makes as `DIR/tN.npy`, N being the
/// tensor's index in the model.
pub fn dump_tensors(
    graph: &Graph,
    rounding: int8::Rounding,
    inputs: &[Vec<u8>],
    n_samples: usize,
    folder: &Path,
) -> Result<(), Failure> {
    let draft = Draft::new(folder).map_err(|error| Failure::at(folder, error))?;
    let mut files = TensorFiles { folder, draft, graph, n_samples, files: graph.tensors.iter().map(|_| None).collect() };
    if Executor::runs_in_integers(graph) {
        dump_integers(&int8::Prepared::new(graph, rounding)?, inputs, n_samples, &mut files)?;
    } else {
        dump_floats(&float::Prepared::new(graph)?, inputs, n_samples, &mut files)?;
    }
    files.finish()
}

fn dump_integers(
    prepared: &int8::Prepared,
    inputs: &[Vec<u8>],
    n_samples: usize,
    files: &mut TensorFiles<'_>,
) -> Result<(), Failure> {
    let mut scratch = prepared.scratch();
    for start in (0..n_samples).step_by(prepared.block().max(1)) {
        let n = prepared.block().max(1).min(n_samples - start);
        let block = part_of(inputs, n_samples, start..start + n);
        let mut outputs: Vec<Vec<u8>> = prepared.outputs().iter().map(|port| vec![0; port.sample_bytes * n]).collect();
        let mut views: Vec<&mut [u8]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
        let mut written = Ok(());
        prepared.run_observed(&mut scratch, &block, &mut views, &mut |tensor, bytes| {
            if written.is_ok() {
                written = files.append(tensor, n, bytes);
            }
        })?;
        written?;
    }
    Ok(())
}

fn dump_floats(
    prepared: &float::Prepared,
    inputs: &[Vec<u8>],
    n_samples: usize,
    files: &mut TensorFiles<'_>,
) -> Result<(), Failure> {
    /// Samples at once: bounds what is held in memory.
    const BLOCK: usize = 64;
    let floats = |bytes: &Vec<u8>| bytes.as_chunks().0.iter().map(|&chunk| f32::from_le_bytes(chunk)).collect();
    let values: Vec<Vec<f32>> = inputs.iter().map(floats).collect();
    for start in (0..n_samples).step_by(BLOCK) {
        let see = |seen: &mut Vec<(TensorId, Vec<u8>)>, tensor: TensorId, _: Range<usize>, values: &[f32]| {
            seen.push((tensor, values.iter().flat_map(|x| x.to_le_bytes()).collect()));
        };
        let n = BLOCK.min(n_samples - start);
        let block = part_of(&values, n_samples, start..start + n);
        for (tensor, bytes) in prepared.observe(&block, n, &Cancel::new(), Vec::new, see)?.into_iter().flatten() {
            files.append(tensor, 1, &bytes)?;
        }
    }
    Ok(())
}

/// Files that grow block by block, one for each tensor.
struct TensorFiles<'a> {
    folder: &'a Path,
    draft: Draft,
    graph: &'a Graph,
    n_samples: usize,
    files: Vec<Option<BufWriter<File>>>,
}

impl TensorFiles<'_> {
    fn path(&self, tensor: TensorId) -> PathBuf {
        self.draft.path(&format!("t{}.npy", tensor.0))
    }

    /// Adds the bytes of `n` samples. A tensor that is computed once, at preparation, comes with the bytes of one sample, which
    /// are repeated.
    fn append(&mut self, id: TensorId, n: usize, bytes: &[u8]) -> Result<(), Failure> {
        let tensor = self.graph.tensor(id);
        let path = self.path(id);
        let at = |error: std::io::Error| Failure::at(&path, error);
        let file = match &mut self.files[id.index()] {
            Some(file) => file,
            none => {
                let mut file = BufWriter::new(File::create(&path).map_err(at)?);
                npy::write(&mut file, descr(tensor.element)?, &batched(tensor, self.n_samples), &[]).map_err(at)?;
                none.insert(file)
            }
        };
        let repeats = if bytes.len() == tensor.n_bytes() { n } else { 1 };
        (0..repeats).try_for_each(|_| file.write_all(bytes)).map_err(at)
    }

    fn finish(self) -> Result<(), Failure> {
        // Closed before they are moved: Windows moves no open file.
        let flushed = self.files.into_iter().flatten().try_for_each(|mut file| file.flush());
        flushed.map_err(|error| Failure::at(self.folder, error))?;
        self.draft.finish()
    }
}
