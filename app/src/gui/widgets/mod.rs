//! Controls and marks in the window's own look. They know no graph and no recipe.
//!
//! Each names itself for screen readers and tests: what is painted by hand carries `widget_info`, what has no visible label takes
//! its name as an argument.

mod button;
mod copy;
mod header;
mod mark;
mod question;
mod rows;
mod segmented;
mod select;
mod sideways;
mod slider;
mod state;
mod switch;

pub use button::{button, focus_ring, icon_button, primary_button, text_button, text_icon_button};
pub use copy::is_copied;
pub use header::{TABBED, group_title, header_line, is_tabbed, label_row, panel_header, rule, tab_ui};
pub use mark::{Change, Known, badge, change, dot, fits, known, known_briefly, small_icon};
pub use question::question;
pub use rows::{elided, open_cell, sentence_row, stacked_bar, text_in, twin_bar, value_row};
pub use segmented::{segmented, segmented_named};
pub use select::select;
pub use sideways::sideways;
pub use slider::{Slider, slider};
pub use state::{NoticeTouch, empty_state, notice, progress_bar};
pub use switch::switch;
