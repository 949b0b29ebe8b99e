//! One file a panel. A panel owns its view state, reads the session, edits the copy it is handed and sends commands; it never
//! knows another panel.

pub mod explain;
pub mod export;
pub mod first_run;
pub mod graph;
pub mod inspector;
pub mod layers;
pub mod memory;
pub mod metrics;
pub mod notices;
pub mod palette;
pub mod rail;
pub mod recipe;
pub mod status;
pub mod top_bar;
