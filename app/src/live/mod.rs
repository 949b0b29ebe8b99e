//! The live demo behind the window: a thread that follows what a station hears, runs the models on it, here and on the board, and
//! keeps what there is to see.
//!
//! | file | what it is about |
//! | --- | --- |
//! | `setup` | what is listened to, with what, and how it is decided |
//! | `listener` | the thread |
//! | `follow` | from the station's rings to the models |
//! | `on_board` | the model on the board: loading it, its outputs, its times |
//! | `check` | test samples for it, with the outputs that are due |
//! | `suggest` | a threshold for an autoencoder |
//! | `shown` | what can be seen at any time |

mod check;
mod follow;
mod listener;
mod on_board;
mod setup;
mod shown;
mod suggest;
#[cfg(test)]
mod tests;

pub use listener::Listener;
pub(crate) use setup::fitting;
pub use setup::{Front, Settings, Setup};
pub use shown::{Checked, Choice, Heard, OnBoard, Outline, Point, SHOWN_S, Shown, State};
pub use suggest::Suggested;
