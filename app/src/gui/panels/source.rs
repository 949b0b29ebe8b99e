//! The model as it came: what it is, what it is made of, and what an engineer would want to be told about it.

use eframe::egui::{Frame, Label, Margin, Rect, Role, ScrollArea, Sense, Ui, WidgetInfo, pos2, vec2};
use tinsmith_core::graph::Graph;
use tinsmith_core::ops::Op;
use tinsmith_core::preview::Source;
use tinsmith_core::tensor::Tensor;

use crate::gui::command::Command;
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::on_demand::Need;
use crate::gui::session::Open;
use crate::gui::theme::{PANEL_PADDING, Palette, TABLE_HEADER, TABLE_ROW, Type};
use crate::gui::units::{self, NONE};
use crate::gui::widgets::{group_title, icon_button, panel_header, rule, sentence_row, text_in, value_row};
use crate::worker::{Kind, SourceFacts, Tone};

/// Room of the numbers in the table of kinds.
const NUMBER: f32 = 62.0;
const COUNT: f32 = 24.0;

/// Shows the panel.
pub fn ui(cx: PanelCtx<'_>, ui: &mut Ui) {
    let Some(open) = &cx.session.open else { return };
    cx.send(Command::Need(Need::Facts));
    panel_header(ui, "Source", "", |ui| {
        if icon_button(ui, icons::COPY, "Copy the facts").clicked() {
            ui.ctx().copy_text(as_text(cx, open));
        }
    });
    ScrollArea::vertical().id_salt("source").auto_shrink([false, false]).show(ui, |ui| {
        let margin = Margin { left: PANEL_PADDING, right: PANEL_PADDING, top: 12, bottom: 12 };
        Frame::new().inner_margin(margin).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            name_ui(&open.source, ui);
            for (name, value, exact) in facts(cx, open) {
                let row = value_row(ui, &name, &value);
                if !exact.is_empty() {
                    row.on_hover_text(exact);
                }
            }
            section(ui);
            ports_ui(open, ui);
            let facts = cx.session.on_demand.facts.value.as_deref();
            section(ui);
            kinds_ui(cx, facts, ui);
            section(ui);
            noticed_ui(cx, facts, ui);
        });
    });
}

fn section(ui: &mut Ui) {
    ui.add_space(8.0);
    rule(ui);
    ui.add_space(8.0);
}

fn name_ui(source: &Source, ui: &mut Ui) {
    let p = Palette::of(ui);
    let name = source.path.file_name().map_or_else(|| source.graph.name.clone(), |n| n.to_string_lossy().into_owned());
    ui.horizontal(|ui| {
        ui.label(Type::Icon.text(icons::TREE_STRUCTURE, p.accent_text));
        ui.add(Label::new(Type::Title.text(name, p.text)).truncate()).on_hover_text(source.path.display().to_string());
    });
    let hash = hex(&source.hash);
    ui.horizontal(|ui| {
        ui.add_space(24.0);
        ui.spacing_mut().item_spacing.x = 4.0;
        ui.label(Type::Caption.text(format!("{}, {}, blake3", source.format, element_name(&source.graph)), p.text_faint));
        ui.add(Label::new(Type::Edge.text(&hash[..16], p.text_faint)).truncate()).on_hover_text(hash);
    });
    ui.add_space(8.0);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// What the model computes in.
fn element_name(graph: &Graph) -> &'static str {
    if graph.is_integer() { "integer" } else { "float32" }
}

/// Name, value, and the exact value where it is rounded.
fn facts(cx: PanelCtx<'_>, open: &Open) -> Vec<(String, String, String)> {
    let statics = cx.session.figures.baseline_static.value.as_deref();
    let number = |value: Option<u64>| value.map_or_else(|| NONE.to_owned(), units::exact);
    let size = |value: Option<u64>| {
        let exact = value.map_or_else(String::new, |v| format!("{} bytes", units::exact(v)));
        (value.map_or_else(|| NONE.to_owned(), |v| units::bytes(v).joined()), exact)
    };
    let row = |name: &str, value: String| (name.to_owned(), value, String::new());
    let sized = |name: String, value: Option<u64>| {
        let (words, exact) = size(value);
        (name, words, exact)
    };
    let flops = statics.map_or_else(|| NONE.to_owned(), |s| units::count(s.flops).joined());
    let exact_flops = statics.map_or_else(String::new, |s| units::exact(s.flops));
    vec![
        row("Ops", units::exact(open.source.graph.nodes.len() as u64)),
        row("Parameters", number(statics.map(|s| s.parameters))),
        row("MACs", number(statics.map(|s| s.macs))),
        ("FLOPs".to_owned(), flops, exact_flops),
        sized("Exported as it is".to_owned(), statics.map(|s| s.size.file_bytes)),
        sized(format!("Arena, {}", element_name(&open.source.graph)), statics.map(|s| s.arena.arena_mcu32_bytes)),
    ]
}

fn ports_ui(open: &Open, ui: &mut Ui) {
    let p = Palette::of(ui);
    let graph = &open.source.graph;
    group_title(ui, "Input and output", "", |_| {});
    let several = |n: usize, word: &str, i: usize| if n == 1 { word.to_owned() } else { format!("{word} {}", i + 1) };
    for (i, &id) in graph.inputs.iter().enumerate() {
        port_row(ui, &several(graph.inputs.len(), "input", i), graph.tensor(id));
        if let Some(words) = input_meaning(open, graph.tensor(id)) {
            value_row(ui, "means", &words);
        }
    }
    for (i, &id) in graph.outputs.iter().enumerate() {
        port_row(ui, &several(graph.outputs.len(), "output", i), graph.tensor(id));
        if let Some(words) = output_meaning(open, graph, i) {
            value_row(ui, "means", &words);
        }
    }
    for (name, extent) in &open.source.import.dims {
        value_row(ui, &format!("{name}, as said"), &units::exact(*extent as u64))
            .on_hover_text("The file leaves this extent open");
    }
    if graph.inputs.is_empty() && graph.outputs.is_empty() {
        ui.label(Type::Small.text("The file names neither.", p.text_weak));
    }
}

fn port_row(ui: &mut Ui, name: &str, tensor: &Tensor) {
    let p = Palette::of(ui);
    let shape = format!("[{}]", tensor.shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", "));
    let element = tensor.element.name();
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 20.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{name} {shape} {element}")));
    let wide = ui.painter().layout_no_wrap(element.to_owned(), Type::Small.font(), p.text).size().x;
    text_in(ui, rect, false, name, Type::Small, p.text_weak);
    text_in(ui, rect, true, element, Type::Small, p.text);
    let left = Rect::from_min_max(pos2(rect.left() + 64.0, rect.top()), pos2(rect.right() - wide - 6.0, rect.bottom()));
    text_in(ui, left, true, &shape, Type::Mono, p.text);
    response.on_hover_text(&tensor.name);
}

/// What an integer stands for, or else what feeds the input.
fn input_meaning(open: &Open, input: &Tensor) -> Option<String> {
    if let Some(q) = &input.quantization {
        return Some(format!("(q - {}) × {}", q.zero_point(), units::real(q.scale().into())));
    }
    let data = open.data.as_ref()?;
    let fits = data.set.sample_len() == input.n_elements() && open.source.graph.inputs.len() == 1;
    fits.then(|| format!("a sample of {}", data.set.name))
}

/// Probabilities, or one value for each class of the data.
fn output_meaning(open: &Open, graph: &Graph, index: usize) -> Option<String> {
    let id = *graph.outputs.get(index)?;
    let n = graph.tensor(id).n_elements();
    let maker = graph.nodes.iter().rev().find(|node| node.outputs.contains(&id))?;
    if matches!(maker.op, Op::Softmax(_)) {
        return Some(format!("{n} probabilities"));
    }
    let n_classes = open.data.as_ref().map_or(0, |d| d.set.label_names.len());
    (n_classes == n && n > 1).then(|| format!("a value for each of {n} classes"))
}

fn kinds_ui(cx: PanelCtx<'_>, facts: Option<&SourceFacts>, ui: &mut Ui) {
    let p = Palette::of(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), TABLE_HEADER - 4.0), Sense::hover());
    let heads = columns(rect);
    for (i, (at, words)) in heads.iter().zip(["Kind", "Ops", "Parameters", "MACs"]).enumerate() {
        text_in(ui, *at, i > 0, words, Type::Small, p.text_faint);
    }
    for kind in facts.map(|f| f.kinds.as_slice()).unwrap_or_default() {
        kind_row(cx, kind, ui);
    }
    if facts.is_none() {
        ui.label(Type::Small.text("Being counted.", p.text_faint));
    }
}

/// Places of kind, count, parameters and MACs in a line.
fn columns(line: Rect) -> [Rect; 4] {
    let cell = |right: f32, width: f32| Rect::from_min_max(pos2(right - width, line.top()), pos2(right, line.bottom()));
    let macs = cell(line.right(), NUMBER - 10.0);
    let parameters = cell(macs.left() - 4.0, NUMBER);
    let count = cell(parameters.left() - 8.0, COUNT);
    [Rect::from_min_max(line.min, pos2(count.left() - 4.0, line.bottom())), count, parameters, macs]
}

fn kind_row(cx: PanelCtx<'_>, kind: &Kind, ui: &mut Ui) {
    let p = Palette::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), TABLE_ROW), Sense::click());
    let is_selected = !kind.nodes.is_empty() && kind.nodes.iter().all(|name| cx.session.is_selected(name));
    let words = format!("Kind {}", kind.name);
    response.widget_info(|| WidgetInfo::selected(Role::Row, true, is_selected, &words));
    let ground = rect.expand2(vec2(f32::from(PANEL_PADDING), 0.0));
    if is_selected {
        ui.painter().rect_filled(ground, 0.0, p.accent_soft);
    } else if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(ground, 0.0, p.raised);
    }
    let [name, count, parameters, macs] = columns(rect);
    let number = |n: u64, words: String| if n == 0 { ("0".to_owned(), p.text_faint) } else { (words, p.text) };
    text_in(ui, name, false, &kind.name, if is_selected { Type::SmallTitle } else { Type::Small }, p.text);
    text_in(ui, count, true, &kind.nodes.len().to_string(), Type::Small, p.text);
    let (words, ink) = number(kind.parameters, units::exact(kind.parameters));
    text_in(ui, parameters, true, &words, Type::Small, ink);
    let (words, ink) = number(kind.macs, units::count(kind.macs).joined());
    text_in(ui, macs, true, &words, Type::Small, ink);
    if response.clicked() {
        for (i, name) in kind.nodes.iter().enumerate() {
            cx.send(if i == 0 { Command::Select(Some(name.clone())) } else { Command::SelectAlso(name.clone()) });
        }
    }
    response.on_hover_text("Selects all of this kind");
}

fn noticed_ui(cx: PanelCtx<'_>, facts: Option<&SourceFacts>, ui: &mut Ui) {
    let p = Palette::of(ui);
    group_title(ui, "Noticed", "", |_| {});
    let Some(facts) = facts else {
        ui.label(Type::Small.text("The model is being looked over.", p.text_faint));
        return;
    };
    ui.spacing_mut().item_spacing.y = 6.0;
    for finding in &facts.findings {
        let (icon, colour) = match finding.tone {
            Tone::Good => (icons::CHECK, p.green),
            Tone::Plain => (icons::EYE, p.text_weak),
            Tone::Warning => (icons::WARNING, p.amber),
        };
        let clicked = sentence_row(ui, icon, colour, &finding.text, finding.node.is_some()).clicked();
        if clicked && let Some(name) = &finding.node {
            cx.send(Command::Select(Some(name.clone())));
        }
    }
}

/// Everything in the panel, a line each.
fn as_text(cx: PanelCtx<'_>, open: &Open) -> String {
    let source = &open.source;
    let mut text = format!("{}\t{}\nblake3\t{}\n", source.path.display(), source.format, hex(&source.hash));
    for (name, value, exact) in facts(cx, open) {
        text += &format!("{name}\t{}\n", if exact.is_empty() { &value } else { &exact });
    }
    if let Some(facts) = cx.session.on_demand.facts.value.as_deref() {
        text += "kind\tops\tparameters\tMACs\n";
        for kind in &facts.kinds {
            text += &format!("{}\t{}\t{}\t{}\n", kind.name, kind.nodes.len(), kind.parameters, kind.macs);
        }
        text.extend(facts.findings.iter().map(|f| format!("{}\n", f.text)));
    }
    text
}
