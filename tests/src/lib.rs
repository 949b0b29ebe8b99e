//! What the whole-program tests share: where the repository, the data, the built program and other runtimes are.

pub mod boards;
pub mod c_code;
pub mod compact;
pub mod data_files;
pub mod hostile;
pub mod made;
pub mod nets;
pub mod program;
pub mod recorded;
pub mod streams;
pub mod window;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

use tinsmith_core::data;
use tinsmith_core::measure::device::devices;
use tinsmith_core::preview::{Job, Source, project_of};
use tinsmith_core::recipe::Recipe;

/// The top of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests crate lies in the repository").to_path_buf()
}

/// `relative` below the folder of labelled data and reference models, which is not part of the repository: `../shared`, or
/// what `TINSMITH_SHARED` names. `None`, and a loud line that the test is skipped, where it is absent.
pub fn shared(relative: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("TINSMITH_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    let path = folder.join(relative);
    let found = path.exists();
    if !found {
        eprintln!("SKIP: no {}; set TINSMITH_SHARED to the folder that holds {relative}", path.display());
    }
    found.then_some(path)
}

/// The built program, of the profile that the tests run in. Builds it once if need be.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let test = std::env::current_exe().expect("a running test has a path");
        let folder = test.ancestors().nth(2).expect("tests lie in target/PROFILE/deps");
        let profile = folder.file_name().is_some_and(|name| name == "release").then_some("--release");
        let status = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--locked", "--package", "tinsmith"])
            .args(profile)
            .current_dir(root())
            .status()
            .expect("cargo runs");
        assert!(status.success(), "the program does not build");
        folder.join(format!("tinsmith{}", std::env::consts::EXE_SUFFIX))
    })
}

/// The models with a fused LSTM, with an operator in its place that is not known: ATAN2.
///
/// The last whole word of these files that holds the LSTM's code is that code.
pub fn with_unknown_operator(model: &[u8]) -> Vec<u8> {
    const LSTM: [u8; 4] = [44, 0, 0, 0];
    const ATAN2: [u8; 4] = [156, 0, 0, 0];
    let mut bytes = model.to_vec();
    let last = bytes.chunks_exact_mut(4).rfind(|word| **word == LSTM);
    last.expect("a model with a fused LSTM").copy_from_slice(&ATAN2);
    bytes
}

/// A Python that has the runtimes of `tests/peers/requirements.txt`, made by `tests/run`. `None`, and a loud line, without it.
pub fn peers_python() -> Option<PathBuf> {
    let python = std::env::var_os("TINSMITH_PEERS").map(PathBuf::from);
    if python.is_none() {
        eprintln!("SKIP: no other runtimes to compare with (sh tests/run installs them and sets TINSMITH_PEERS)");
    }
    python
}

/// The first of these compilers that works; `None`, and said so, if none does.
pub fn compiler(names: [&'static str; 2]) -> Option<&'static str> {
    let works = |name: &&str| Command::new(name).arg("--version").output().is_ok_and(|o| o.status.success());
    let found = names.into_iter().find(works);
    if found.is_none() {
        eprintln!("SKIP: no compiler, none of {names:?}");
    }
    found
}

/// A project in `folder` of an autoencoder and its data, copied there; nothing where the shared data is not at hand.
///
/// # Panics
/// It cannot be written.
pub fn autoencoder(folder: &Path) -> Option<PathBuf> {
    let from = shared("data/models/digits_ae")?;
    let copied = |name: &str| {
        let to = folder.join(name);
        std::fs::copy(from.join(name), &to).expect("a file");
        to
    };
    let (model, samples) = (copied("digits_ae_int8.tflite"), copied("digits_ae_data.npz"));
    let job = Job {
        source: Arc::new(Source::open(&model).expect("a model")),
        data: Some(Arc::new(data::open(&samples).expect("samples"))),
        ranges: None,
        recipe: Recipe::default(),
        device: devices()[0].clone(),
    };
    let path = folder.join("anomaly.ron");
    project_of(&path, &job, Some(&samples), None, None).write(&path).expect("a project");
    Some(path)
}
