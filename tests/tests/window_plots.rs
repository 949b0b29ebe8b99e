//! Plots, explained figures and edits of several layers, as a user finds them: by the words on them. What a plot says is compared
//! with what the core computes.

use eframe::egui::accesskit::Role;
use eframe::egui::{Event, Key, Modifiers, OutputCommand, PointerButton, Pos2, Vec2};
use egui_kittest::kittest::{NodeT, Queryable};
use tinsmith::gui::command::{Command, Quantity};
use tinsmith::gui::picture::{Format, Request};
use tinsmith::gui::{App, units};
use tinsmith_core::measure::weights::{WeightStats, weight_stats};
use tinsmith_core::recipe::{Recipe, Scheme};
use tinsmith_tests::window::{Folder, Window, app, drop_file, is_shown, open, send, settle, wait};

const LAYER_KINDS: usize = 3;

#[test]
fn a_plot_is_read_as_a_table_copied_and_saved() {
    let folder = Folder::new("window-plots-table");
    let mut window = opened(&folder);
    let stats = candidate_stats(&window);

    // What it shows, in a sentence, and all of it as a table.
    let n = units::exact(stats.n as u64);
    assert!(is_said(&window, &format!("Weights plot: {n} weights from ")), "the plot says what it shows");
    choose(&mut window, "Weights plot actions", "Show as a table");
    settle(&mut window);
    assert!(!is_said(&window, "Weights plot: "), "the table takes the plot's place");
    let rows = rows_of(&window, stats.histogram.counts.len());
    assert!(rows.len() > LAYER_KINDS, "several rows are seen, {rows:?}");
    for (i, row) in rows.iter().enumerate() {
        assert_eq!(row[2], stats.histogram.counts[i].to_string(), "row {i}: {row:?}");
        let low = f64::from(stats.histogram.low);
        let width = (f64::from(stats.histogram.high) - low) / stats.histogram.counts.len() as f64;
        assert_eq!(row[0], ((low + i as f64 * width) as f32).to_string());
    }

    // The same with tabs, for a spreadsheet.
    choose(&mut window, "Weights plot actions", "Copy data");
    let copied = self::copied(&window).expect("the data is on the clipboard");
    let mut lines = copied.lines();
    assert!(lines.next().unwrap().starts_with("from, real\tto, real\tcandidate weights\tfloat from, real\t"));
    let counts: Vec<u64> = lines.map(|line| line.split('\t').nth(2).unwrap().parse().unwrap()).collect();
    assert_eq!(counts, stats.histogram.counts);

    // And back.
    choose(&mut window, "Weights plot actions", "Show as a plot");
    settle(&mut window);
    assert!(is_said(&window, "Weights plot: "));

    // Ctrl+C does the same for what is under the pointer.
    let plot = window.get_by_label_contains("Weights plot: ").rect().center();
    window.hover_at(plot);
    window.event(Event::Copy);
    window.step();
    assert_eq!(self::copied(&window), Some(copied));

    // A picture keeps its text as text.
    let svg = picture(&mut window, &folder, "weights");
    assert!(svg.starts_with("<svg xmlns=") && svg.trim_end().ends_with("</svg>"));
    assert!(svg.contains(">weight, real value</text>"), "the axis is named in the picture");
    assert!(svg.matches("<rect ").count() > stats.histogram.counts.iter().filter(|n| **n > 0).count());
}

#[test]
fn a_dragged_box_zooms_and_a_double_click_resets() {
    let folder = Folder::new("window-plots-zoom");
    let mut window = opened(&folder);
    let before = picture(&mut window, &folder, "before");
    window.get_by_label("Weights plot log").click();
    settle(&mut window);
    assert!(ticks(&picture(&mut window, &folder, "log")).contains(&"10"), "decades stand along a logarithmic axis");
    window.get_by_label("Weights plot lin").click();
    settle(&mut window);
    assert_eq!(ticks(&picture(&mut window, &folder, "lin")), ticks(&before));
    let plot = window.get_by_label_contains("Weights plot: ").rect();
    let centre = plot.center();
    window.hover_at(centre);
    window.step();
    window.drag_at(centre);
    for i in 1..=8 {
        window.hover_at(centre + Vec2::new(5.0 * i as f32, 0.0));
    }
    window.drop_at(centre + Vec2::new(40.0, 0.0));
    settle(&mut window);
    assert_ne!(ticks(&picture(&mut window, &folder, "zoomed")), ticks(&before), "other numbers stand along the axis");
    double_click(&mut window, centre);
    settle(&mut window);
    assert_eq!(ticks(&picture(&mut window, &folder, "after")), ticks(&before));
}

#[test]
fn a_figure_opens_what_makes_it_up() {
    let folder = Folder::new("window-plots-explain");
    let mut window = opened(&folder);
    let statics = app(&window).session().figures.candidate_static.value.clone().unwrap();

    let size = units::bytes(statics.size.file_bytes).joined();
    window.get_by_role_and_label(Role::Button, &format!("Size {size}")).click();
    wait(&mut window, "the explanation", |app| app.session().explained == Some(Quantity::Size));
    settle(&mut window);
    assert!(is_shown(&window, &format!("What makes up Size {size}")));
    let heaviest = statics.layers.iter().max_by_key(|l| l.weights_bytes + l.bias_bytes).unwrap();
    let bytes = heaviest.weights_bytes + heaviest.bias_bytes;
    let share = bytes as f64 / statics.size.file_bytes as f64 * 100.0;
    let row = format!("{}, {} B, {share:.1} %", short(&heaviest.name), units::exact(bytes));
    assert!(is_shown(&window, &row), "{row}");

    // A row selects its layer.
    let other = statics.layers.iter().filter(|l| l.weights_bytes > 0).min_by_key(|l| std::cmp::Reverse(l.macs)).unwrap();
    let bytes = other.weights_bytes + other.bias_bytes;
    let share = bytes as f64 / statics.size.file_bytes as f64 * 100.0;
    window.get_by_label(&format!("{}, {} B, {share:.1} %", short(&other.name), units::exact(bytes))).click();
    wait(&mut window, "the layer to be selected", |app| app.session().selection.as_deref() == Some(other.name.as_str()));

    // Escape closes it, and the keyboard opens another.
    window.key_press(Key::Escape);
    wait(&mut window, "the explanation to close", |app| app.session().explained.is_none());
    let ram = units::bytes(statics.arena.arena_mcu32_bytes).joined();
    window.get_by_role_and_label(Role::Button, &format!("RAM {ram}")).focus();
    window.step();
    window.key_press(Key::Enter);
    wait(&mut window, "the explanation of RAM", |app| app.session().explained == Some(Quantity::Ram));
    settle(&mut window);
    let close = window.get_by_label("Close the explanation");
    assert!(close.is_focused(), "the keyboard goes on inside");
    window.key_press(Key::Escape);
    wait(&mut window, "the explanation to close", |app| app.session().explained.is_none());
    for quantity in [Quantity::Macs, Quantity::Latency, Quantity::Energy, Quantity::Accuracy] {
        send(&mut window, Command::Explain(Some(quantity)));
        settle(&mut window);
        assert!(is_said(&window, "What makes up "), "{quantity:?}");
    }
}

#[test]
fn several_layers_are_edited_and_shown_together() {
    let folder = Folder::new("window-plots-several");
    let mut window = opened(&folder);
    enlarge(&mut window);
    let weighted: Vec<String> = {
        let graph = app(&window).session().graph().unwrap();
        graph.nodes.iter().filter(|n| n.op.has_weights()).take(3).map(|n| n.name.clone()).collect()
    };
    send(&mut window, Command::Select(Some(weighted[0].clone())));
    send(&mut window, Command::SelectAlso(weighted[1].clone()));
    send(&mut window, Command::SelectAlso(weighted[2].clone()));
    wait(&mut window, "their histograms", |app| {
        app.session().distributions.as_ref().is_some_and(|d| d.node == weighted[2] && d.also.len() == 2)
    });
    settle(&mut window);
    assert!(is_shown(&window, "These 3 layers"));
    assert!(is_said(&window, "Weights plot: ") && is_said(&window, " over each other"));

    window.get_by_role_and_label(Role::ComboBox, "Layer scheme").click();
    settle(&mut window);
    window.query_all_by_label("float32").last().expect("the menu is open").click();
    wait(&mut window, "the override of all three", |app| {
        let quantize = app.session().edit.recipe.quantize().unwrap();
        weighted.iter().all(|n| quantize.overrides.get(n).is_some_and(|o| o.scheme == Some(Scheme::Float32)))
    });

    // With a fourth, which has none, it is mixed.
    let other = app(&window)
        .session()
        .open
        .as_ref()
        .unwrap()
        .source
        .graph
        .nodes
        .iter()
        .rfind(|n| n.op.has_weights())
        .unwrap()
        .name
        .clone();
    send(&mut window, Command::SelectAlso(other));
    settle(&mut window);
    assert!(is_shown(&window, "These 4 layers"));
    let scheme = window.get_by_role_and_label(Role::ComboBox, "Layer scheme");
    assert_eq!(scheme.accesskit_node().value().as_deref(), Some("mixed"));
}

#[test]
fn the_clip_is_moved_by_keyboard_and_put_back_by_double_click() {
    let folder = Folder::new("window-plots-clip");
    let mut window = opened(&folder);
    let layer = app(&window).session().selection.clone().unwrap();
    let clip = |app: &App| app.session().edit.recipe.quantize().unwrap().overrides.get(&layer).and_then(|o| o.clip);
    enlarge(&mut window);
    window.get_by_role_and_label(Role::Slider, "Upper clip").focus();
    settle(&mut window);
    for _ in 0..3 {
        window.key_press(Key::ArrowLeft);
        window.step();
    }
    assert_eq!(clip(app(&window)), None, "nothing is computed until it is confirmed");
    window.key_press(Key::Enter);
    wait(&mut window, "the clip", |app| clip(app).is_some());
    let (low, high) = clip(app(&window)).unwrap();
    let seen = app(&window).session().distributions.as_ref().unwrap().activation.clone().unwrap();
    assert!(low < high && high < seen.high, "{low} {high}, seen up to {}", seen.high);
    wait(&mut window, "the figures of the clip", |app| app.session().figures.is_complete);
    settle(&mut window);

    let handle = window.get_by_role_and_label(Role::Slider, "Upper clip").rect().center();
    double_click(&mut window, handle);
    wait(&mut window, "the calibrator's range", |app| clip(app).is_none());
    assert_eq!(app(&window).session().edit.recipe, Recipe::int8());
}

#[test]
fn the_timeline_of_memory_names_its_tensors() {
    let folder = Folder::new("window-plots-memory");
    let mut window = opened(&folder);
    window.get_by_label("Memory timeline").click();
    settle(&mut window);
    let arena = app(&window).session().shown_static().unwrap().arena.clone();
    assert!(is_said(&window, &format!("TFLM's own plan {} B", units::exact(arena.greedy_bytes))));
    let peak = units::exact(arena.activations_bytes);
    assert!(is_said(&window, &format!("peak {peak} bytes at op")), "the timeline sums itself up");
    let life = arena.lifetimes.iter().max_by_key(|l| l.bytes).unwrap();
    let words = format!(
        "{} bytes at {}, alive from op {} to {}",
        units::exact(life.bytes),
        units::exact(life.offset),
        life.first_node + 1,
        life.last_node + 1
    );
    assert!(is_said(&window, &words), "{words}");
    choose(&mut window, "Memory timeline actions", "Show as a table");
    settle(&mut window);
    assert!(is_said(&window, &format!(", {}, {}, ", life.bytes, life.offset)));
}

// ------------------------------------------------------------------------------------------------------------ helpers

/// The sample with its data, quantized, with all figures there and the heaviest layer selected.
fn opened(folder: &Folder) -> Window {
    let (model, data) = folder.sample();
    let mut window = open(Some(model));
    wait(&mut window, "the model to be open", |app| app.session().open.is_some());
    drop_file(&mut window, &data);
    wait(&mut window, "all figures", |app| app.session().figures.is_complete);
    wait(&mut window, "the histograms", |app| {
        let session = app.session();
        session.distributions.as_ref().is_some_and(|d| Some(&d.node) == session.selection.as_ref() && d.candidate.is_some())
    });
    settle(&mut window);
    window
}

/// What the core says of the selected layer's weights.
fn candidate_stats(window: &Window) -> WeightStats {
    let session = app(window).session();
    let graph = &session.candidate().unwrap().graph;
    let node = graph.node(graph.node_named(session.selection.as_deref().unwrap()).unwrap());
    weight_stats(graph.input(node, 1).unwrap(), node.op.weights_channel_axis(), 61).unwrap()
}

/// The weights plot as an SVG.
fn picture(window: &mut Window, folder: &Folder, name: &str) -> String {
    let path = folder.0.join(format!("{name}.svg"));
    let words = format!("saved {}", path.display());
    send(window, Command::SavePicture(Request { name: "Weights plot".into(), format: Format::Svg, to: Some(path.clone()) }));
    wait(window, "the picture", |app| app.session().message == words);
    std::fs::read_to_string(path).unwrap()
}

/// The words of a picture.
fn ticks(svg: &str) -> Vec<&str> {
    svg.lines().filter_map(|line| line.strip_suffix("</text>")?.rsplit('>').next()).collect()
}

/// Opens the menu of a button and takes what it offers.
fn choose(window: &mut Window, button: &str, words: &str) {
    window.get_by_label(button).click();
    settle(window);
    window.get_by_label(words).click();
    // Not a frame more: what is copied leaves with the frame.
    window.step();
}

/// The whole inspector lies above the fold of a tall window.
fn enlarge(window: &mut Window) {
    window.set_size(eframe::egui::vec2(1280.0, 1400.0));
    settle(window);
}

/// Two clicks within one frame.
fn double_click(window: &mut Window, pos: Pos2) {
    window.hover_at(pos);
    window.step();
    for pressed in [true, false, true, false] {
        let (button, modifiers) = (PointerButton::Primary, Modifiers::NONE);
        window.input_mut().events.push(Event::PointerButton { pos, button, pressed, modifiers });
    }
    window.step();
}

/// The cells of the rows of a plot's table that are on screen, from the top.
fn rows_of(window: &Window, n: usize) -> Vec<Vec<String>> {
    let rows = window.query_all_by_role(Role::Row).filter_map(|row| row.accesskit_node().label());
    let cells = rows.map(|label| label.split(", ").map(str::to_owned).collect::<Vec<_>>());
    cells.filter(|cells| cells.len() == 6).take(n).collect()
}

fn copied(window: &Window) -> Option<String> {
    window.output().platform_output.commands.iter().find_map(|command| match command {
        OutputCommand::CopyText(text) => Some(text.clone()),
        _ => None,
    })
}

/// Whether any label contains these words.
fn is_said(window: &Window, words: &str) -> bool {
    window.query_all_by_label_contains(words).next().is_some()
}

/// A layer's name as the window shows it, for names without a path.
fn short(name: &str) -> String {
    name.split(';').next().unwrap().rsplit('/').next().unwrap().to_owned()
}
