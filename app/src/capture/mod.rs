//! Recording as the user does it: a station listens to one input, keeps the newest seconds of every sensor, cuts clips out of
//! them and puts these into a data set.
//!
//! | file | what it is about |
//! | --- | --- |
//! | `station` | the thread that listens, and what it is asked |
//! | `seen` | what can be seen of it at any time |
//! | `track`, `ring`, `spectrogram` | one sensor: its newest instants, its gaps, its tones |
//! | `settings` | what is to be recorded, as it is set |
//! | `session` | what is to be recorded: prompts and counts |
//! | `cutter` | clips out of the newest instants, on the disk |
//! | `collection` | the data set that clips go into: undo, saving, clips that a crash left behind |
//!
//! The whole of what is measured during a session is recorded as well, beside the clips: nothing that was said is lost because a
//! threshold was wrong.

mod collection;
mod cutter;
mod ring;
mod seen;
mod session;
mod settings;
mod spectrogram;
mod station;
mod track;

pub use collection::Collection;
pub use cutter::{Cutter, MOST_CLIP_S, Made, Plan, Start, n_heard};
pub use ring::{Ring, Run};
pub use seen::{KeptStretch, Link, Seen};
pub use session::{Order, Prompt, Session};
pub use settings::{RecordSettings, StartOn, usual_threshold};
pub use spectrogram::Spectrogram;
pub use station::{Station, Stretch, Wake};
pub use track::{KEPT_S, LiveGap, Track};
