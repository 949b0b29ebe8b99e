//! Six workspaces: saved arrangements of the same dockable panels, one for each question an engineer asks.
//!
//! | module | what lives there |
//! | --- | --- |
//! | this | which workspaces there are, and which panels |
//! | [`arrange`] | how each workspace is arranged until the user changes it |
//! | [`dock`] | showing an arrangement: dragging, tabs, splitting, resetting |
//! | [`panes`] | the panels themselves, with the state of their views |

pub mod arrange;
pub mod dock;
pub mod panes;

use serde::{Deserialize, Serialize};

use super::icons;

/// An arrangement of panels for one question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Workspace {
    /// What is in this network, and where do its bytes, time and error sit?
    Model,
    /// What happens if I prune and quantize like this?
    #[default]
    Optimize,
    /// Which of my candidates is the one?
    Compare,
    /// What does the model see?
    Data,
    /// Does it work, here and on the board?
    Live,
    /// What goes into the firmware, and does it fit?
    Export,
}

impl Workspace {
    /// All workspaces in the order of the strip at the left.
    pub const ALL: [Self; 6] = [Self::Model, Self::Optimize, Self::Compare, Self::Data, Self::Live, Self::Export];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Model => "Model",
            Self::Optimize => "Optimize",
            Self::Compare => "Compare",
            Self::Data => "Data",
            Self::Live => "Live",
            Self::Export => "Export",
        }
    }

    /// The name of the command that goes there.
    pub fn go(self) -> &'static str {
        match self {
            Self::Model => "Go to Model",
            Self::Optimize => "Go to Optimize",
            Self::Compare => "Go to Compare",
            Self::Data => "Go to Data",
            Self::Live => "Go to Live",
            Self::Export => "Go to Export",
        }
    }

    /// The question that it answers.
    pub fn question(self) -> &'static str {
        match self {
            Self::Model => "What is in this network, and where do its bytes, time and error sit?",
            Self::Optimize => "What happens if I quantize like this?",
            Self::Compare => "Which of my candidates is the one?",
            Self::Data => "Record, cut, label: what does the model see?",
            Self::Live => "Does it work, here and on the board?",
            Self::Export => "What goes into the firmware, and does it fit?",
        }
    }

    /// Its icon.
    pub fn icon(self) -> &'static str {
        match self {
            Self::Model => icons::TREE_STRUCTURE,
            Self::Optimize => icons::SLIDERS_HORIZONTAL,
            Self::Compare => icons::CHART_SCATTER,
            Self::Data => icons::PULSE,
            Self::Live => icons::BROADCAST,
            Self::Export => icons::CPU,
        }
    }
}

/// A panel that can be docked anywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Pane {
    /// The steps and their controls.
    Recipe,
    /// The layers as boxes.
    Graph,
    /// Everything about the selection.
    Inspector,
    /// The layers as a table.
    Layers,
    /// What lies in the arena, and when.
    Memory,
    /// What the model is.
    Source,
    /// Where bytes, time and error sit.
    WhereItSits,
    /// Bytes as areas.
    Treemap,
    /// All candidates as a table.
    Candidates,
    /// Size against accuracy.
    Tradeoff,
    /// What two recipes do differently.
    Difference,
    /// Which class is taken for which.
    Confusion,
    /// What can be listened to.
    Sources,
    /// What is to be recorded.
    Record,
    /// What is measured now.
    Signals,
    /// Clips that were recorded.
    Clips,
    /// How clips are spread over classes and splits.
    Classes,
    /// What the model sees of a clip.
    Features,
    /// The samples and their labels.
    DataSet,
    /// One sample, and what the model makes of it.
    Sample,
    /// On which samples ranges hang.
    Coverage,
    /// What is heard now, and how that is decided.
    Now,
    /// What the models said in the last seconds.
    Probabilities,
    /// What was heard.
    Events,
    /// The model on the board.
    OnBoard,
    /// What can be exported.
    Targets,
    /// Flash and RAM against the board.
    Fits,
    /// The files of an export.
    Files,
    /// What to do with the files.
    WhatNext,
}

impl Pane {
    /// All panels.
    pub const ALL: [Self; 29] = [
        Self::Recipe,
        Self::Graph,
        Self::Inspector,
        Self::Layers,
        Self::Memory,
        Self::Source,
        Self::WhereItSits,
        Self::Treemap,
        Self::Candidates,
        Self::Tradeoff,
        Self::Difference,
        Self::Confusion,
        Self::Sources,
        Self::Record,
        Self::Signals,
        Self::Clips,
        Self::Classes,
        Self::Features,
        Self::DataSet,
        Self::Sample,
        Self::Coverage,
        Self::Now,
        Self::Probabilities,
        Self::Events,
        Self::OnBoard,
        Self::Targets,
        Self::Fits,
        Self::Files,
        Self::WhatNext,
    ];

    /// Its title.
    pub fn title(self) -> &'static str {
        match self {
            Self::Recipe => "Recipe",
            Self::Graph => "Graph",
            Self::Inspector => "Inspector",
            Self::Layers => "Layers",
            Self::Memory => "Memory timeline",
            Self::Source => "Source",
            Self::WhereItSits => "Where it sits",
            Self::Treemap => "Bytes",
            Self::Candidates => "Candidates",
            Self::Tradeoff => "Trade-off",
            Self::Difference => "Recipe difference",
            Self::Confusion => "Confusion",
            Self::Sources => "Sources",
            Self::Record => "Record",
            Self::Signals => "Signals",
            Self::Clips => "Clips",
            Self::Classes => "Classes",
            Self::Features => "Features",
            Self::DataSet => "Data set",
            Self::Sample => "Sample",
            Self::Coverage => "Coverage",
            Self::Now => "Now",
            Self::Probabilities => "Probabilities",
            Self::Events => "Events",
            Self::OnBoard => "On the board",
            Self::Targets => "Targets",
            Self::Fits => "Fits",
            Self::Files => "Files",
            Self::WhatNext => "What to type next",
        }
    }
}
