//! What firmware gets of a candidate: its files, with samples and the outputs that the device has to give for them.

use super::samples::Samples;
use super::{Job, PreviewError, exported, views};
use crate::execute::executor::Executor;
use crate::export::compact::{self, Coding, compact};
use crate::export::features::{FeatureExportError, FeaturePlan, features_c};
use crate::export::{self, ExportError, Firmware, Framework, Golden, NamedFile, board_project, c_header};
use crate::graph::Graph;
use crate::progress::Cancel;
use crate::tensor::ElementType;

/// Golden samples in the sources: enough to notice a wrong kernel, few enough for the flash of a test.
const GOLDEN_SAMPLES: usize = 2;

/// What can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The model as a TensorFlow Lite file.
    Tflite,
    /// The model as C sources for TensorFlow Lite Micro, and the features before it.
    C,
    /// The model as a compact file for Tinsmith's own runtime.
    Tinsmith,
    /// Firmware with the model for ESP32 boards, an ESP-IDF project.
    EspIdf,
    /// The same as an Arduino sketch.
    Arduino,
}

impl Target {
    /// Everything that can be written.
    pub const ALL: [Self; 5] = [Self::Tflite, Self::C, Self::Tinsmith, Self::EspIdf, Self::Arduino];

    /// What is written where nobody chose: what any graph has, floats among them.
    pub const USUAL: [Self; 2] = [Self::Tflite, Self::C];
}

/// The files of `targets` for `graph`, a candidate of `job`, called after `name`. The same job gives the same bytes.
///
/// # Errors
/// [`PreviewError::Export`], [`PreviewError::Firmware`] if an operator or a type cannot be written; [`PreviewError::Execute`] if golden samples cannot be
/// computed.
pub fn firmware_files(job: &Job, graph: &Graph, name: &str, targets: &[Target]) -> Result<Vec<NamedFile>, PreviewError> {
    firmware_files_with(job, graph, name, targets, None)
}

/// The same, with this front end in the firmware of boards; the project's own if there is none.
///
/// # Errors
/// As of [`firmware_files`]; [`PreviewError::Export`] also if the front end does not fit.
pub fn firmware_files_with(
    job: &Job,
    graph: &Graph,
    name: &str,
    targets: &[Target],
    features: Option<&FeaturePlan>,
) -> Result<Vec<NamedFile>, PreviewError> {
    let tflite = exported(graph)?;
    let own = job.front_end().map(FeaturePlan::of);
    let own_code = own.as_ref().and_then(|plan| plan.as_ref().ok());
    let note = features_note(job, own.as_ref());
    let mut files = Vec::new();
    for target in targets {
        match target {
            Target::Tflite => files.push(export::tflite(name, tflite.clone())),
            Target::C => {
                files.extend(with_firmware(job, graph, (name, &note), &tflite, c_header)?);
                files.extend(own_code.into_iter().flat_map(|plan| features_c(name, plan)));
            }
            Target::Tinsmith => files.extend(compact::files(name, graph, &compact(graph, Coding::Entropy)?)),
            Target::EspIdf | Target::Arduino => {
                let framework = if *target == Target::EspIdf { Framework::EspIdf } else { Framework::Arduino };
                let project = |firmware: &Firmware<'_>| board_project(framework, Some(firmware), features.or(own_code));
                files.extend(with_firmware(job, graph, (name, &note), &tflite, project)?);
            }
        }
    }
    Ok(files)
}

/// What `write` makes of all that goes into C.
fn with_firmware(
    job: &Job,
    graph: &Graph,
    (name, features): (&str, &str),
    tflite: &[u8],
    write: impl FnOnce(&Firmware<'_>) -> Result<Vec<NamedFile>, ExportError>,
) -> Result<Vec<NamedFile>, PreviewError> {
    let n_outputs = graph.outputs.first().map_or(0, |&id| graph.tensor(id).n_elements());
    let label_names = job.data.as_deref().map_or(&[][..], |data| &data.label_names);
    let source_name = job.source.path.file_name().unwrap_or_default().to_string_lossy();
    let recipe = ron::to_string(&job.recipe).unwrap_or_default();
    let firmware = Firmware {
        name,
        graph,
        tflite,
        labels: if label_names.len() == n_outputs { label_names } else { &[] },
        golden: &golden(job, graph)?,
        source_name: &source_name,
        source_hash: blake3::Hash::from_bytes(job.source.hash),
        recipe: &recipe,
        features,
    };
    Ok(write(&firmware)?)
}

/// What is said of the features: their stages, and why their code is missing, if it is.
fn features_note(job: &Job, plan: Option<&Result<FeaturePlan, FeatureExportError>>) -> String {
    let Some((front_end, plan)) = job.front_end().zip(plan) else { return String::new() };
    let stages = ron::to_string(&front_end.pipeline.stages).unwrap_or_default();
    match plan {
        Ok(_) => stages,
        Err(why) => format!("{stages}\nTheir code is not here: {why}"),
    }
}

/// The first test samples, or else (no data) bytes that look random and are the same every time.
fn golden(job: &Job, graph: &Graph) -> Result<Vec<Golden>, PreviewError> {
    let executor = Executor::new(graph)?;
    let inputs: Vec<Vec<Vec<u8>>> = match Samples::of(job)? {
        Some(samples) => {
            let chosen = if samples.roles.test.is_empty() { &samples.roles.calibration } else { &samples.roles.test };
            let of = |&sample: &usize| Ok(samples.inputs.bytes(&[sample], graph)?);
            chosen.iter().take(GOLDEN_SAMPLES).map(of).collect::<Result<_, PreviewError>>()?
        }
        None => (0..GOLDEN_SAMPLES).map(|sample| random_inputs(job, graph, sample)).collect(),
    };
    let of = |inputs: Vec<Vec<u8>>| {
        let outputs = executor.run(&views(&inputs), 1, &Cancel::new())?;
        Ok(Golden { inputs, outputs })
    };
    inputs.into_iter().map(of).collect()
}

/// One sample for each input: integers over their whole range, floats in [-1, 1), drawn from the model's hash.
fn random_inputs(job: &Job, graph: &Graph, sample: usize) -> Vec<Vec<u8>> {
    let of = |(index, &id): (usize, &crate::graph::TensorId)| {
        let tensor = graph.tensor(id);
        let mut bytes = vec![0; tensor.n_bytes()];
        let seed = format!("{sample}/{index}");
        blake3::Hasher::new_keyed(&job.source.hash).update(seed.as_bytes()).finalize_xof().fill(&mut bytes);
        if tensor.element == ElementType::F32 {
            let (chunks, _) = bytes.as_chunks_mut::<4>();
            chunks.iter_mut().for_each(|b| *b = (i32::from_le_bytes(*b) as f32 / 2_147_483_648.0).to_le_bytes());
        }
        bytes
    };
    graph.inputs.iter().enumerate().map(of).collect()
}
