//! What is listened to, with what, and how it is decided.

use std::sync::{Arc, Weak};

use tinsmith_core::data::DataSet;
use tinsmith_core::data::features::{Pipeline, preset};
use tinsmith_core::live::{DecisionSettings, FrontEnd, Sensor, fitting_presets};
use tinsmith_core::optimize::Candidate;
use tinsmith_core::preview::Source;
use tinsmith_core::tensor::Tensor;

use crate::capture::{Collection, Station};

/// What the models see of a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Front {
    /// The first that fits: the project's features, the window itself, a preset.
    #[default]
    Fitting,
    /// The stages that the project's recordings go through.
    Project,
    /// The window itself.
    Window,
    /// A preset by name.
    Preset(&'static str),
}

impl Front {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fitting => "what fits",
            Self::Project => "the project's",
            Self::Window => "none, the window itself",
            Self::Preset(name) => name,
        }
    }

    /// Its stages; `project` are the project's.
    pub(crate) fn pipeline(self, project: Option<&Pipeline>) -> Pipeline {
        match self {
            Self::Preset(name) => preset(name).unwrap_or_default(),
            Self::Project => project.cloned().unwrap_or_default(),
            Self::Fitting | Self::Window => Pipeline::default(),
        }
    }
}

/// What makes of windows of a sensor what a model's input takes, the one taken first where nobody chooses; `project` are the
/// project's stages.
pub(crate) fn fitting(project: Option<&Pipeline>, sensor: &Sensor, input: &Tensor) -> Vec<Front> {
    let of_project = project.map(|_| Front::Project);
    // Whether it fits does not hang on the stride.
    let fits = |front: &Front| FrontEnd::new(front.pipeline(project), sensor.clone(), input, 1.0).is_ok();
    let own = of_project.into_iter().chain([Front::Window]).filter(fits);
    own.chain(fitting_presets(sensor, input).into_iter().map(Front::Preset)).collect()
}

/// What the user has set.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The sensor; the first that fits if none is chosen.
    pub sensor: Option<u8>,
    /// What the models see of a window.
    pub front: Front,
    /// From one window to the next, milliseconds.
    pub stride_ms: f64,
    /// When something was heard. Of an autoencoder the threshold is a distance, and there is none before the user has set one.
    pub decision: DecisionSettings,
    /// Run each window on the board as well.
    pub on_board: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { sensor: None, front: Front::default(), stride_ms: 100.0, decision: DecisionSettings::default(), on_board: false }
    }
}

/// Everything that the thread works with: an immutable snapshot.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Who listens to the input. Whoever lets go of it closes the port, whether this listens or not.
    pub station: Weak<Station>,
    /// The model as it came.
    pub source: Arc<Source>,
    /// What the recipe makes of it.
    pub candidate: Arc<Candidate>,
    /// Samples: names of classes, and what the board is checked with.
    pub data: Option<Arc<DataSet>>,
    /// What the project's recordings go through.
    pub features: Option<Pipeline>,
    /// Events become clips of this data set, if they do.
    pub keep: Option<Weak<Collection>>,
    /// What the user has set.
    pub settings: Settings,
}

impl Setup {
    /// Whether it listens to the same sensor in the same way with the same models; how it is decided may differ.
    pub(super) fn has_same_models(&self, other: &Self) -> bool {
        let front = |settings: &Settings| (settings.sensor, settings.front, settings.stride_ms.to_bits());
        let names = |setup: &Self| setup.data.as_ref().map(|set| set.label_names.clone());
        Weak::ptr_eq(&self.station, &other.station)
            && names(self) == names(other)
            && Arc::ptr_eq(&self.source, &other.source)
            && Arc::ptr_eq(&self.candidate, &other.candidate)
            && self.features == other.features
            && front(&self.settings) == front(&other.settings)
    }

    /// Whether nothing differs.
    pub fn is_same(&self, other: &Self) -> bool {
        let keep = |setup: &Self| setup.keep.as_ref().map(Weak::as_ptr);
        self.has_same_models(other) && self.settings == other.settings && self.has_same_data(other) && keep(self) == keep(other)
    }

    /// Whether the samples are the very same.
    pub(super) fn has_same_data(&self, other: &Self) -> bool {
        let data = |setup: &Self| setup.data.as_ref().map(Arc::as_ptr);
        data(self) == data(other)
    }
}
