//! Boards on serial ports, and boards that are only simulated.
//!
//! Nothing here blocks its caller: [`Connection`] and [`simulate::Simulator`] own a thread each, which is asked by messages and
//! answers by messages that can be polled. What the bytes mean is in the runtime's `link`; what lines, gaps and clips are, in
//! the core's `data`.
//!
//! | file | what it is about |
//! | --- | --- |
//! | `ports` | which ports there are, with names; plugging in and out |
//! | `registry` | simulated boards that run on this computer, so that they are listed like any other |
//! | `port` | opening one, and what to do when that fails |
//! | `detect` | frames or plain lines, and what is wrong where it is neither |
//! | `receive` | bytes into blocks, results and counts |
//! | `upload` | models and inputs that go in pieces |
//! | `model_file` | a model in the forms that boards read |
//! | `record` | a recording, on a thread of its own |
//! | `messages` | what the thread of a board is asked, and what it tells |
//! | `talk` | asking a thread, and polling what it tells |
//! | `connection` | one board: asks, answers, comes back after the cable was pulled |
//! | `agreement` | whether it computes what the studio computes |
//! | `simulate` | a board without hardware |

mod agreement;
mod connection;
mod detect;
mod error;
mod messages;
mod model_file;
mod port;
pub mod ports;
mod receive;
mod record;
pub mod registry;
#[cfg(unix)]
pub mod simulate;
mod talk;
mod upload;

pub use agreement::{Agreement, Answer};
pub use connection::Connection;
pub use detect::Way;
pub use error::DeviceError;
pub use messages::{ConnectionSettings, Event, Request};
pub use model_file::{ModelFile, remedy};
pub use receive::LinkCounts;
pub(crate) use record::Recordings;
pub(crate) use talk::Ears;
pub use talk::Talk;
