//! The icons the window uses, as text in the icon font (`assets/fonts/Phosphor.ttf`).
//!
//! Made by `assets/fonts/make.sh` from `assets/fonts/icons.txt`: add an icon there. An icon always goes with a
//! tooltip and an accessible name, and never speaks by colour alone.

/// Workspace Model; a model file.
pub const TREE_STRUCTURE: &str = "\u{e67c}";
/// Workspace Optimize.
pub const SLIDERS_HORIZONTAL: &str = "\u{e434}";
/// Workspace Compare.
pub const CHART_SCATTER: &str = "\u{eaac}";
/// Workspace Data.
pub const PULSE: &str = "\u{e000}";
/// Workspace Live.
pub const BROADCAST: &str = "\u{e0f2}";
/// Workspace Export; a board.
pub const CPU: &str = "\u{e610}";
/// A data set.
pub const DATABASE: &str = "\u{e1de}";
/// Search.
pub const MAGNIFYING_GLASS: &str = "\u{e30c}";
/// Undo.
pub const ARROW_U_UP_LEFT: &str = "\u{e08a}";
/// Redo.
pub const ARROW_U_UP_RIGHT: &str = "\u{e08c}";
/// The light theme is on.
pub const SUN: &str = "\u{e472}";
/// The dark theme is on.
pub const MOON: &str = "\u{e330}";
/// Follow the system's theme.
pub const CIRCLE_HALF: &str = "\u{e18c}";
/// Help.
pub const QUESTION: &str = "\u{e3e8}";
/// Settings.
pub const GEAR: &str = "\u{e270}";
/// Command palette.
pub const COMMAND: &str = "\u{e1c4}";
/// Shortcuts.
pub const KEYBOARD: &str = "\u{e2d8}";
/// Reset to default.
pub const ARROW_COUNTER_CLOCKWISE: &str = "\u{e038}";
/// Run again.
pub const ARROW_CLOCKWISE: &str = "\u{e036}";
/// More actions.
pub const DOTS_THREE: &str = "\u{e1fe}";
/// More actions of a row.
pub const DOTS_THREE_VERTICAL: &str = "\u{e208}";
/// Drag to reorder.
pub const DOTS_SIX_VERTICAL: &str = "\u{eae2}";
/// Add.
pub const PLUS: &str = "\u{e3d4}";
/// Remove one.
pub const MINUS: &str = "\u{e32a}";
/// Close; cancel; does not fit.
pub const X: &str = "\u{e4f6}";
/// Done; fits; verified.
pub const CHECK: &str = "\u{e182}";
/// Open; unfold.
pub const CARET_DOWN: &str = "\u{e136}";
/// Fold.
pub const CARET_UP: &str = "\u{e13c}";
/// Previous.
pub const CARET_LEFT: &str = "\u{e138}";
/// Next.
pub const CARET_RIGHT: &str = "\u{e13a}";
/// Back.
pub const ARROW_LEFT: &str = "\u{e058}";
/// Forward.
pub const ARROW_RIGHT: &str = "\u{e06c}";
/// Up the graph.
pub const ARROW_UP: &str = "\u{e08e}";
/// Down the graph.
pub const ARROW_DOWN: &str = "\u{e03e}";
/// Fit; fill the window.
pub const CORNERS_OUT: &str = "\u{e1d0}";
/// Leave the filled window.
pub const CORNERS_IN: &str = "\u{e1ce}";
/// Zoom in.
pub const MAGNIFYING_GLASS_PLUS: &str = "\u{e310}";
/// Zoom out.
pub const MAGNIFYING_GLASS_MINUS: &str = "\u{e30e}";
/// Filter.
pub const FUNNEL: &str = "\u{e266}";
/// Sorted upwards.
pub const SORT_ASCENDING: &str = "\u{e444}";
/// Sorted downwards.
pub const SORT_DESCENDING: &str = "\u{e446}";
/// Pinned.
pub const PUSH_PIN: &str = "\u{e3e2}";
/// Not pinned.
pub const PUSH_PIN_SLASH: &str = "\u{e3e4}";
/// Copy.
pub const COPY: &str = "\u{e1ca}";
/// Paste.
pub const CLIPBOARD: &str = "\u{e196}";
/// Tied together.
pub const LINK: &str = "\u{e2e2}";
/// Not tied together.
pub const LINK_BREAK: &str = "\u{e2e4}";
/// Locked; read-only.
pub const LOCK: &str = "\u{e2fa}";
/// Not locked.
pub const LOCK_OPEN: &str = "\u{e306}";
/// Noticed; shown.
pub const EYE: &str = "\u{e220}";
/// Hidden.
pub const EYE_SLASH: &str = "\u{e224}";
/// Rename; edit.
pub const PENCIL_SIMPLE: &str = "\u{e3b4}";
/// Delete.
pub const TRASH: &str = "\u{e4a6}";
/// Layers.
pub const STACK: &str = "\u{e466}";
/// Table.
pub const TABLE: &str = "\u{e476}";
/// List.
pub const LIST: &str = "\u{e2f0}";
/// Notes.
pub const LIST_BULLETS: &str = "\u{e2f2}";
/// Layout.
pub const SQUARES_FOUR: &str = "\u{e464}";
/// Columns.
pub const COLUMNS: &str = "\u{e546}";
/// Rows.
pub const ROWS: &str = "\u{e5a2}";
/// Side panel.
pub const SIDEBAR_SIMPLE: &str = "\u{ec24}";
/// Colour by.
pub const PALETTE: &str = "\u{e6c8}";
/// Text size.
pub const TEXT_AA: &str = "\u{e6ee}";
/// Warning.
pub const WARNING: &str = "\u{e4e0}";
/// Error.
pub const WARNING_CIRCLE: &str = "\u{e4e2}";
/// Failed.
pub const WARNING_OCTAGON: &str = "\u{e4e4}";
/// Information.
pub const INFO: &str = "\u{e2ce}";
/// Verified.
pub const CHECK_CIRCLE: &str = "\u{e184}";
/// Refused.
pub const X_CIRCLE: &str = "\u{e4f8}";
/// Exact.
pub const SEAL_CHECK: &str = "\u{e606}";
/// Cannot apply.
pub const PROHIBIT: &str = "\u{e3de}";
/// Waiting.
pub const HOURGLASS: &str = "\u{e2b2}";
/// Time; latency.
pub const CLOCK: &str = "\u{e19a}";
/// Running.
pub const CIRCLE_NOTCH: &str = "\u{eb44}";
/// Notice.
pub const BELL: &str = "\u{e0ce}";
/// A file.
pub const FILE: &str = "\u{e230}";
/// A text file.
pub const FILE_TEXT: &str = "\u{e23a}";
/// New project.
pub const FILE_PLUS: &str = "\u{e236}";
/// Source code.
pub const FILE_CODE: &str = "\u{e914}";
/// A folder.
pub const FOLDER: &str = "\u{e24a}";
/// Open a folder.
pub const FOLDER_OPEN: &str = "\u{e256}";
/// Save.
pub const FLOPPY_DISK: &str = "\u{e248}";
/// Export.
pub const DOWNLOAD_SIMPLE: &str = "\u{e20c}";
/// Drop here; load to the board.
pub const UPLOAD_SIMPLE: &str = "\u{e4c0}";
/// Share.
pub const EXPORT: &str = "\u{eaf0}";
/// Firmware project.
pub const PACKAGE: &str = "\u{e390}";
/// Header.
pub const CODE: &str = "\u{e1bc}";
/// Commands to type.
pub const TERMINAL: &str = "\u{e47e}";
/// Difference from the source.
pub const GIT_DIFF: &str = "\u{e27c}";
/// Recent; history.
pub const CLOCK_COUNTER_CLOCKWISE: &str = "\u{e1a0}";
/// First page.
pub const HOUSE: &str = "\u{e2c2}";
/// Clean up.
pub const BROOM: &str = "\u{ec54}";
/// Fuse.
pub const GIT_MERGE: &str = "\u{e280}";
/// Prune.
pub const SCISSORS: &str = "\u{eae0}";
/// Quantize.
pub const GRID_FOUR: &str = "\u{e296}";
/// Equalize ranges.
pub const SCALES: &str = "\u{e750}";
/// Cluster weights.
pub const DOTS_NINE: &str = "\u{e1fc}";
/// Accuracy; calibration.
pub const TARGET: &str = "\u{e47c}";
/// Size.
pub const RULER: &str = "\u{e6b8}";
/// RAM.
pub const MEMORY: &str = "\u{e9c4}";
/// Energy.
pub const LIGHTNING: &str = "\u{e2de}";
/// Battery.
pub const BATTERY_MEDIUM: &str = "\u{e0c6}";
/// Speed.
pub const GAUGE: &str = "\u{e628}";
/// Histogram.
pub const CHART_BAR: &str = "\u{e150}";
/// Curve.
pub const CHART_LINE: &str = "\u{e154}";
/// Loss.
pub const CHART_LINE_DOWN: &str = "\u{e8b6}";
/// Operator.
pub const FUNCTION: &str = "\u{ebe4}";
/// Content hash.
pub const HASH: &str = "\u{e2a2}";
/// Label.
pub const TAG: &str = "\u{e478}";
/// Sensitivity.
pub const THERMOMETER: &str = "\u{e5c6}";
/// Smaller.
pub const TREND_DOWN: &str = "\u{e4ac}";
/// Larger.
pub const TREND_UP: &str = "\u{e4ae}";
/// Experiment.
pub const FLASK: &str = "\u{e79e}";
/// Repair.
pub const WRENCH: &str = "\u{e5d4}";
/// Microphone.
pub const MICROPHONE: &str = "\u{e326}";
/// Recording; waveform.
pub const WAVEFORM: &str = "\u{e802}";
/// Record.
pub const RECORD: &str = "\u{e3ee}";
/// Play; start.
pub const PLAY: &str = "\u{e3d0}";
/// Pause.
pub const PAUSE: &str = "\u{e39e}";
/// Stop.
pub const STOP: &str = "\u{e46c}";
/// Skip.
pub const SKIP_FORWARD: &str = "\u{e5a6}";
/// Serial device.
pub const USB: &str = "\u{e956}";
/// Connected.
pub const PLUGS_CONNECTED: &str = "\u{eb5a}";
/// Not connected.
pub const PLUGS: &str = "\u{eb56}";
/// Simulated board.
pub const MONITOR: &str = "\u{e32e}";
/// Sound on.
pub const SPEAKER_HIGH: &str = "\u{e44a}";
/// Sound off.
pub const SPEAKER_SLASH: &str = "\u{e45a}";
/// Picture.
pub const IMAGE: &str = "\u{e2ca}";
/// IMU; three axes.
pub const VECTOR_THREE: &str = "\u{ee62}";
/// Chip.
pub const CIRCUITRY: &str = "\u{e9c2}";
/// Wireless.
pub const BLUETOOTH: &str = "\u{e0da}";
