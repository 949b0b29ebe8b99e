//! What is to be seen: every workspace at every size in both themes, and every state.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tinsmith::gui::App;
use tinsmith::gui::capture::{Ask as Capture, Source};
use tinsmith::gui::command::{Action, Command, Shown};
use tinsmith::gui::session::Edit;
use tinsmith::gui::steps;
use tinsmith::gui::workspace::Workspace;
use tinsmith_core::data;
use tinsmith_core::data::wav::{Sound, read_wav, write};
use tinsmith_core::project::{Variant, VariantFigures, autosave_path};
use tinsmith_core::recipe::{Calibrator, Granularity, LayerOverride, Quantize, Scheme};

/// One picture.
#[derive(Clone)]
pub struct Scene {
    /// Name of the file, without its suffix.
    pub name: String,
    /// Size of the window, points.
    pub size: [f32; 2],
    /// Pixels a point.
    pub scale: f32,
    /// Dark or light.
    pub is_dark: bool,
    /// With strong contrast.
    pub high_contrast: bool,
    /// What is opened; `None` shows the first page.
    pub open: Option<PathBuf>,
    /// Recently opened files.
    pub recent: Vec<PathBuf>,
    /// Where it is looked at.
    pub workspace: Workspace,
    /// What is done then.
    pub commands: Vec<Command>,
    /// What is then changed.
    pub edit: Option<fn(&mut Edit)>,
    /// A file held over the window.
    pub held: Option<PathBuf>,
    /// When the commands are left, and when the picture is taken.
    pub ready: fn(&App) -> bool,
    /// Work that was never saved is offered: elsewhere it is that of the scene before, and not wanted.
    pub has_unsaved: bool,
    /// The state passes: the picture is taken in the frame in which it is there.
    pub is_fleeting: bool,
}

/// The sizes: a small laptop, the design's, a usual screen, the small laptop at 200 %. Points: its pixels are twice as many.
const SIZES: [(&str, [f32; 2], f32); 4] = [
    ("1280", [1280.0, 800.0], 1.0),
    ("1600", [1600.0, 1000.0], 1.0),
    ("1920", [1920.0, 1080.0], 1.0),
    ("1280-200", [640.0, 400.0], 2.0),
];

/// All scenes. Files that are made for them go into `work`.
pub fn scenes(work: &Path) -> io::Result<Vec<Scene>> {
    let sample = project(&copier(work), &root().join("projects/keyword.ron"), &root().join("assets/samples/keyword"), "sample")?;
    let mut all = Vec::new();
    let in_all_sizes = |scene: &Scene, all: &mut Vec<Scene>| {
        for (size_name, size, scale) in SIZES {
            for is_dark in [true, false] {
                let theme = if is_dark { "dark" } else { "light" };
                all.push(Scene { name: format!("{}-{size_name}-{theme}", scene.name), size, scale, is_dark, ..scene.clone() });
            }
        }
    };
    for workspace in Workspace::ALL {
        let scene = plain(workspace.name().to_lowercase(), Some(sample.clone()), workspace);
        let edit: Option<fn(&mut Edit)> = (workspace == Workspace::Compare).then_some(keep_some);
        in_all_sizes(&Scene { edit, ..scene }, &mut all);
    }
    let listening = vec![Command::Capture(Capture::Listen(Source::File(words(work)?)))];
    let live = plain("live-listening", Some(sample.clone()), Workspace::Live);
    in_all_sizes(&Scene { commands: listening, ready: has_heard, ..live }, &mut all);
    for state in states(work, &sample)? {
        in_all_sizes(&state, &mut all);
    }
    Ok(all)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).to_path_buf()
}

fn shared() -> PathBuf {
    std::env::var_os("TINSMITH_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from)
}

fn plain(name: impl Into<String>, open: Option<PathBuf>, workspace: Workspace) -> Scene {
    Scene {
        name: name.into(),
        size: [1280.0, 800.0],
        scale: 1.0,
        is_dark: true,
        high_contrast: false,
        open,
        recent: Vec::new(),
        workspace,
        commands: Vec::new(),
        edit: None,
        held: None,
        ready: is_at_rest,
        has_unsaved: false,
        is_fleeting: false,
    }
}

/// Whether everything that was asked for is there.
pub fn is_at_rest(app: &App) -> bool {
    let session = app.session();
    let has_ended = session.figures.is_complete || session.figures.failure.is_some();
    let shows_graph = matches!(session.workspace, Workspace::Model | Workspace::Optimize);
    session.opening.is_none()
        && session.activity.is_none()
        && (session.open.is_none() || (has_ended && (session.layout.is_some() || !shows_graph)))
        && (session.selection.is_none() || session.distributions.is_some())
        && session.on_demand.comparison.is_complete()
}

/// Whether the live demo, once it has begun, has heard enough to be looked at.
fn has_heard(app: &App) -> bool {
    let session = app.session();
    let enough = || session.live.listener.as_ref().is_some_and(|listener| listener.shown().points.len() > 100);
    is_at_rest(app) && (session.capture.station().is_none() || enough())
}

/// Some of the sample's words, a second and a half apart.
fn words(work: &Path) -> io::Result<PathBuf> {
    let mut said = Sound { rate_hz: 16_000, n_channels: 1, samples: Vec::new() };
    for word in ["stop", "go", "up", "left", "no", "yes"] {
        let clip = root().join(format!("assets/samples/keyword/clips/{word}.wav"));
        said.samples.extend(read_wav(&clip).map_err(io::Error::other)?.samples);
        said.samples.extend([0.0; 24_000]);
    }
    let path = work.join("words.wav");
    fs::write(&path, write(&said).map_err(io::Error::other)?)?;
    Ok(path)
}

fn is_refused(app: &App) -> bool {
    app.session().notices.shown().count() > 0
}

fn is_opening(app: &App) -> bool {
    app.session().opening.is_some()
}

fn is_counting(app: &App) -> bool {
    app.session().activity.as_ref().is_some_and(|a| a.total > 1 && a.done * 3 > a.total)
}

fn is_stale(app: &App) -> bool {
    app.session().figures.candidate_accuracy.is_stale
}

fn per_tensor(edit: &mut Edit) {
    if let Some(quantize) = edit.recipe.quantize_mut() {
        quantize.granularity = Granularity::PerTensor;
    }
}

/// Candidates that a user would keep to choose from.
fn keep_some(edit: &mut Edit) {
    type Change = fn(&mut Quantize);
    let changes: [(&str, Change); 5] = [
        ("int8", |_| {}),
        ("int8-tensor", |q| q.granularity = Granularity::PerTensor),
        ("percentile", |q| q.calibrator = Calibrator::Percentile { keep: 99.9 }),
        ("4-samples", |q| q.samples = Some(4)),
        ("float-head", |q| {
            let float = LayerOverride { scheme: Some(Scheme::Float32), ..LayerOverride::default() };
            q.overrides = ["mean", "dense", "softmax"].map(|layer| (layer.to_owned(), float.clone())).into();
        }),
    ];
    for (name, change) in changes {
        let mut recipe = edit.recipe.clone();
        recipe.quantize_mut().into_iter().for_each(change);
        edit.variants.push(Variant { name: name.to_owned(), recipe, figures: VariantFigures::default() });
    }
    if let Some(quantize) = edit.recipe.quantize_mut() {
        quantize.calibrator = Calibrator::Percentile { keep: 99.9 };
    }
}

fn is_partial(app: &App) -> bool {
    app.session().figures.candidate_accuracy.value.as_ref().is_some_and(|a| a.done > 0 && !a.is_complete())
}

/// Every state that is not just a workspace at rest.
fn states(work: &Path, sample: &Path) -> io::Result<Vec<Scene>> {
    let optimize = Workspace::Optimize;
    let samples = root().join("assets/samples/keyword");
    let copy = copier(work);
    let model = copy(&samples.join("keyword_float32.tflite"), "bare/keyword.tflite")?;
    let mut all = vec![
        Scene { recent: vec![sample.to_path_buf(), model.clone()], ..plain("state-first-run", None, optimize) },
        plain("state-no-data", Some(model.clone()), optimize),
        Scene {
            commands: vec![Command::OpenPath(unlabelled(work, &samples)?)],
            ..plain("state-no-labels", Some(model.clone()), optimize)
        },
    ];
    let broken = work.join("broken.tflite");
    fs::write(&broken, &fs::read(&model)?[..40_000])?;
    all.push(Scene { commands: vec![], ready: is_refused, ..plain("state-failed-to-open", Some(broken), optimize) });
    let newer = work.join("newer.ron");
    fs::write(&newer, "(version: 9, model: \"keyword.tflite\")")?;
    all.push(Scene { ready: is_refused, ..plain("state-newer-version", Some(newer), optimize) });
    let large = work.join("large.npz");
    fs::File::create(&large)?.set_len(data::MAX_FILE_BYTES + 1)?;
    all.push(Scene {
        commands: vec![Command::OpenPath(large)],
        ..plain("state-too-large", Some(sample.to_path_buf()), optimize)
    });
    all.push(read_only(&copy, sample, &samples)?);
    all.push(recovery(&copy, sample, &samples)?);
    let named = [
        ("state-palette", Action::Search),
        ("state-help", Action::Help),
        ("state-activity", Action::Activity),
        ("state-source", Action::SwitchGraph),
    ];
    for (name, action) in named {
        all.push(Scene { commands: vec![Command::Do(action)], ..plain(name, Some(sample.to_path_buf()), optimize) });
    }
    all.push(Scene { held: Some(samples.join("keyword.npz")), ..plain("state-drop", Some(sample.to_path_buf()), optimize) });
    all.push(Scene { high_contrast: true, ..plain("state-high-contrast", Some(sample.to_path_buf()), optimize) });
    all.push(Scene {
        commands: vec![Command::Do(Action::SelectAll)],
        ..plain("state-several", Some(sample.to_path_buf()), optimize)
    });
    all.push(Scene {
        commands: vec![Command::Show(Shown::Source), Command::Do(Action::RemoveData), Command::Do(Action::Close)],
        ..plain("state-unsaved", Some(sample.to_path_buf()), optimize)
    });
    all.extend(loading(work));
    all.extend(with_other_models(&copy, work, optimize)?);
    all.extend(with_batch_norm(&copy)?);
    Ok(all)
}

/// A model as training leaves it: what steps make of its layers, seen from either side.
fn with_batch_norm(copy: Copy<'_>) -> io::Result<Vec<Scene>> {
    let folder = shared().join("data/models/digits_cnn");
    let (model, samples) = (folder.join("digits_cnn.keras"), folder.join("digits_cnn_data.npz"));
    if ![&model, &samples].iter().all(|path| path.is_file()) {
        eprintln!("SKIP: no models in {}, the scenes recipe-steps, graph-before and graph-both are left out", folder.display());
        return Ok(Vec::new());
    }
    let scene = |name: &str, shown: Shown| -> io::Result<Scene> {
        let own = copy(&model, &format!("{name}/digits_cnn.keras"))?;
        let select = Command::Select(Some("b1".to_owned()));
        let commands = vec![Command::OpenPath(samples.clone()), Command::Show(shown), select];
        Ok(Scene { commands, edit: Some(rewrite), ..plain(name, Some(own), Workspace::Optimize) })
    };
    let mut both = scene("graph-both", Shown::Candidate)?;
    both.commands.push(Command::ShowBoth(true));
    Ok(vec![scene("recipe-steps", Shown::Candidate)?, scene("graph-before", Shown::Source)?, both])
}

/// All steps that rewrite floats.
fn rewrite(edit: &mut Edit) {
    let names = steps::known().iter().map(|info| info.name).take_while(|name| *name != "quantize");
    names.for_each(|name| steps::add(&mut edit.recipe, name));
}

/// A model being opened. A file that nobody finishes writing keeps the state for as long as the picture takes.
fn loading(work: &Path) -> Option<Scene> {
    let pipe = work.join("keyword_spotter.tflite");
    let is_made = std::process::Command::new("mkfifo").arg(&pipe).status().is_ok_and(|status| status.success());
    if !is_made {
        eprintln!("SKIP: no mkfifo here, the scene loading is left out");
        return None;
    }
    Some(Scene { ready: is_opening, ..plain("state-loading", Some(pipe), Workspace::Optimize) })
}

/// States that take a larger or stranger model than the sample.
fn with_other_models(copy: Copy<'_>, work: &Path, workspace: Workspace) -> io::Result<Vec<Scene>> {
    let data = shared().join("data");
    let resnet = data.join("mlperf_tiny/ic/pretrainedResnet.tflite");
    let photos = data.join("images/cifar10/cifar10_jpeg_1000.npz");
    let lstm = data.join("models/gesture_lstm/gesture_lstm_float32.tflite");
    if ![&resnet, &photos, &lstm].iter().all(|path| path.is_file()) {
        eprintln!("SKIP: no models in {}, the scenes running, partial, stale and unknown-op are left out", data.display());
        return Ok(Vec::new());
    }
    // A change is autosaved beside the model, and offered to the next who opens it: each has its own.
    let own = |name: &str| copy(&resnet, &format!("{name}/pretrainedResnet.tflite"));
    let fleeting = |name: &str, ready| -> io::Result<Scene> {
        let commands = vec![Command::OpenPath(photos.clone())];
        Ok(Scene { commands, ready, is_fleeting: true, ..plain(name, Some(own(name)?), workspace) })
    };
    Ok(vec![
        plain("state-unknown-op", Some(with_unknown_operator(work, &lstm)?), workspace),
        fleeting("state-running", is_counting)?,
        fleeting("state-partial", is_partial)?,
        Scene { edit: Some(per_tensor), ..fleeting("state-stale", is_stale)? },
    ])
}

/// The model with a fused LSTM, with an operator in its place that is not known. The last whole word of the file that holds the
/// LSTM's code is that code.
fn with_unknown_operator(work: &Path, lstm: &Path) -> io::Result<PathBuf> {
    const LSTM: [u8; 4] = [44, 0, 0, 0];
    const ATAN2: [u8; 4] = [156, 0, 0, 0];
    let mut bytes = fs::read(lstm)?;
    if let Some(word) = bytes.chunks_exact_mut(4).rfind(|word| **word == LSTM) {
        word.copy_from_slice(&ATAN2);
    }
    let path = work.join("gesture.tflite");
    fs::write(&path, bytes)?;
    Ok(path)
}

/// The sample's samples without what they are.
fn unlabelled(work: &Path, samples: &Path) -> io::Result<PathBuf> {
    let set = data::open(&samples.join("keyword.npz")).map_err(io::Error::other)?;
    let path = work.join("clips.npy");
    let wrong = || io::Error::other("the sample's data is not float");
    let data::Values::F32(values) = &set.values else { return Err(wrong()) };
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let mut shape = vec![set.n_samples()];
    shape.extend(&set.sample_shape);
    data::npy::write(&mut fs::File::create(&path)?, "<f4", &shape, &bytes)?;
    Ok(path)
}

/// Copies a file to a place below `work`: what is edited is autosaved beside it.
fn copier(work: &Path) -> impl Fn(&Path, &str) -> io::Result<PathBuf> + '_ {
    move |from, to| {
        let to = work.join(to);
        fs::create_dir_all(to.parent().unwrap_or(work))?;
        fs::copy(from, &to)?;
        Ok(to)
    }
}

type Copy<'a> = &'a dyn Fn(&Path, &str) -> io::Result<PathBuf>;

/// A copy of the sample project with its files beside it.
fn project(copy: Copy<'_>, sample: &Path, samples: &Path, folder: &str) -> io::Result<PathBuf> {
    copy(&samples.join("keyword_float32.tflite"), &format!("{folder}/assets/samples/keyword/keyword_float32.tflite"))?;
    copy(&samples.join("keyword.npz"), &format!("{folder}/assets/samples/keyword/keyword.npz"))?;
    copy(&root().join(".tinsmith"), &format!("{folder}/.tinsmith"))?;
    copy(sample, &format!("{folder}/projects/keyword.ron"))
}

fn read_only(copy: Copy<'_>, sample: &Path, samples: &Path) -> io::Result<Scene> {
    let path = project(copy, sample, samples, "read-only")?;
    let mut permissions = fs::metadata(&path)?.permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions)?;
    Ok(plain("state-read-only", Some(path), Workspace::Optimize))
}

fn recovery(copy: Copy<'_>, sample: &Path, samples: &Path) -> io::Result<Scene> {
    let path = project(copy, sample, samples, "recovery")?;
    std::thread::sleep(std::time::Duration::from_millis(20));
    let text = fs::read_to_string(&path)?.replacen("samples: None", "samples: Some(32)", 1);
    fs::write(autosave_path(&path), text)?;
    Ok(Scene { has_unsaved: true, ..plain("state-recovery", Some(path), Workspace::Optimize) })
}
