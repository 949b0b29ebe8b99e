//! Search or command: every action and every layer by name, from the keyboard.

use eframe::egui::{Align2, Area, Context, Frame, Id, Key, Margin, Order, ScrollArea, TextEdit, Ui, vec2};

use super::graph::short_name;
use crate::gui::command::{Action, Command};
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::theme::{Palette, TOP_BAR, Type};
use crate::gui::widgets::small_icon;

const WIDTH: f32 = 440.0;
const MAX_SHOWN: usize = 60;

/// The palette's state.
#[derive(Debug, Default)]
pub struct CommandPalette {
    is_open: bool,
    just_opened: bool,
    text: String,
    /// Which of the found things Enter takes.
    chosen: usize,
}

/// Something that can be found.
struct Found {
    icon: &'static str,
    words: String,
    about: String,
    command: Command,
}

impl CommandPalette {
    /// Opens it empty, or closes it.
    pub fn toggle(&mut self) {
        *self = Self { is_open: !self.is_open, just_opened: true, ..Self::default() };
    }

    /// Whether it is shown.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// Shows the palette below the top bar, if it is open.
    pub fn ui(&mut self, cx: PanelCtx<'_>, ctx: &Context) {
        if !self.is_open {
            return;
        }
        let shown = Area::new(Id::unique("command palette"))
            .order(Order::Foreground)
            .anchor(Align2::CENTER_TOP, vec2(0.0, TOP_BAR + 8.0))
            .show(ctx, |ui| {
                let margin = Margin::same(8);
                Frame::popup(ui.style()).inner_margin(margin).show(ui, |ui| self.contents_ui(cx, ui));
            });
        let clicked_away = shown.response.clicked_elsewhere() && !self.just_opened;
        if clicked_away || super::is_escaped(ctx) {
            self.is_open = false;
        }
        self.just_opened = false;
    }

    fn contents_ui(&mut self, cx: PanelCtx<'_>, ui: &mut Ui) {
        let p = Palette::of(ui);
        let window = ui.ctx().content_rect().size();
        ui.set_width(WIDTH.min(window.x - 48.0));
        let field = TextEdit::singleline(&mut self.text).hint_text("Search or command").desired_width(f32::INFINITY);
        let response = ui.add(field).accessible_name("Search or command");
        if self.just_opened {
            response.request_focus();
        }
        let found = find(cx, ui.ctx(), &self.text);
        let moved = ui.input(|i| i.num_presses(Key::ArrowDown) as i64 - i.num_presses(Key::ArrowUp) as i64);
        let last = found.len().saturating_sub(1);
        self.chosen = (self.chosen.min(last) as i64 + moved).clamp(0, last as i64) as usize;
        let enter = ui.input(|i| i.key_pressed(Key::Enter));
        let mut taken = if enter { found.get(self.chosen) } else { None };
        ui.add_space(4.0);
        if found.is_empty() {
            ui.label(Type::Small.text("Nothing of that name.", p.text_faint));
        }
        ScrollArea::vertical().max_height((window.y - TOP_BAR - 88.0).min(360.0)).show(ui, |ui| {
            for (i, of) in found.iter().enumerate() {
                let row = ui.horizontal(|ui| {
                    small_icon(ui, of.icon, p.text_weak);
                    let response = ui.selectable_label(i == self.chosen, Type::Small.text(&of.words, p.text));
                    ui.label(Type::Caption.text(&of.about, p.text_faint));
                    response
                });
                if row.inner.clicked() {
                    taken = Some(of);
                }
            }
        });
        if let Some(of) = taken {
            cx.send(of.command.clone());
            self.is_open = false;
        }
    }
}

/// Actions that can be done now and layers, the best fit first.
fn find(cx: PanelCtx<'_>, ctx: &Context, text: &str) -> Vec<Found> {
    let actions = Action::ALL.into_iter().filter(|a| a.is_enabled(cx.session)).filter_map(|action| {
        let about = action.about();
        let keys = action.keys(ctx);
        let found = Found { icon: about.icon, words: about.name.to_owned(), about: keys, command: Command::Do(action) };
        fit(about.name, text).map(|fit| (fit, found))
    });
    let nodes = cx.session.graph().map(|g| g.nodes.as_slice()).unwrap_or_default();
    let layers = nodes.iter().filter_map(|node| {
        let fit = fit(&node.name, text)?;
        let command = Command::Select(Some(node.name.clone()));
        let found = Found { icon: icons::STACK, words: short_name(&node.name), about: node.op.name().to_owned(), command };
        Some((fit, found))
    });
    let mut all: Vec<(u32, Found)> = actions.chain(layers).collect();
    // Stable: what fits equally well stays in the order of the lists.
    all.sort_by_key(|(fit, _)| *fit);
    all.into_iter().map(|(_, found)| found).take(MAX_SHOWN).collect()
}

/// How badly `text` fits a name, 0 for the best; `None` if its letters do not occur in that order. Letters that follow each other or
/// begin a word cost nothing, the others the letters that they skip.
fn fit(name: &str, text: &str) -> Option<u32> {
    let name: Vec<char> = name.to_lowercase().chars().collect();
    let mut at = 0;
    let mut cost = 0;
    for letter in text.to_lowercase().chars().filter(|c| !c.is_whitespace()) {
        let rest = &name[at..];
        let next = rest.iter().position(|&c| c == letter)?;
        let begins = |&i: &usize| rest[i] == letter && (at + i == 0 || !name[at + i - 1].is_alphanumeric());
        let word = (0..rest.len()).find(begins).filter(|_| next > 0);
        cost += if word.is_some() { 0 } else { next as u32 };
        let step = word.unwrap_or(next);
        at += step + 1;
    }
    Some(cost)
}

#[cfg(test)]
mod tests {
    use super::fit;

    #[test]
    fn letters_in_order_fit_and_words_fit_best() {
        assert_eq!(fit("Save as", "save"), Some(0));
        assert_eq!(fit("Save as", "sa"), Some(0));
        assert_eq!(fit("Save as", "save as"), Some(0));
        assert!(fit("conv2d_3", "c3").is_some());
        assert_eq!(fit("conv2d_3", "3c"), None);
        assert!(fit("Fit the graph", "graph") < fit("Photograph", "graph"));
        assert!(fit("Export", "xo") > fit("Export", "ex"));
        assert_eq!(fit("anything", ""), Some(0));
    }
}
