//! Recording: what is listened to, what it measures, the clips that are taken of it.
//!
//! | panel | what it shows |
//! | --- | --- |
//! | [`sources`] | inputs and their sensors |
//! | [`record`] | what is to be recorded, and the buttons |
//! | [`signals`] | what is measured now: waveform, spectrogram, strips; what to say |
//! | [`clips`] | the clips as a table |
//! | [`classes`] | how clips are spread over classes and splits, what is wrong with them |
//! | [`features`] | what the model sees of a clip, stage by stage |

pub mod classes;
pub mod clips;
pub mod features;
pub mod record;
pub mod signals;
pub mod sources;

use crate::gui::capture::Ask;
use crate::gui::command::Command;
use crate::gui::context::PanelCtx;

fn ask(cx: PanelCtx<'_>, ask: Ask) {
    cx.send(Command::Capture(ask));
}
