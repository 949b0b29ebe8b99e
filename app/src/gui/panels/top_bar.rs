//! The bar at the top: what is open, for which board, with which data; undo, redo and the theme.

use eframe::egui::containers::menu::MenuButton;
use eframe::egui::{
    Align, Align2, Button, Checkbox, Color32, ComboBox, CornerRadius, IntoAtoms, Layout, Rect, Role, ScrollArea, Sense, Stroke,
    StrokeKind, ThemePreference, Ui, WidgetInfo, pos2, vec2,
};
use tinsmith_core::measure::device::{Device, devices};

use crate::gui::command::{Action, Command, Group};
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::room::{LEAST_WORDS, Room};
use crate::gui::session::Edit;
use crate::gui::settings::SCALES;
use crate::gui::theme::{CONTROL, ICON_BUTTON, Palette, RAIL, TOP_BAR, Type, small_caps};
use crate::gui::units;
use crate::gui::widgets::{badge, dot, elided, icon_button};
use crate::gui::workspace::Pane;

/// Width of a choice that shows its icon only.
const BARE_CHOICE: f32 = 64.0;
/// Width of the longest line of the file menu with its keys.
const FILE_MENU: f32 = 168.0;
/// Between what stands in the bar.
const GAP: f32 = 12.0;
/// The longest name of a project or a data set that is shown whole.
const LONGEST: f32 = 280.0;

/// Shows the bar.
pub fn ui(cx: PanelCtx<'_>, edit: &mut Edit, undo_name: Option<&str>, panes: &[Pane], ui: &mut Ui) {
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = GAP;
        logo_ui(ui);
        // What has to be there takes its room first. The name of the project gets of the rest what it needs, then the board, then
        // the data; what is left is for the search.
        let is_open = cx.session.open.is_some();
        let n_actions = if is_open { 7.0 } else { 4.0 };
        let actions = n_actions * (ICON_BUTTON.x + 4.0) + 2.0 * GAP + 8.0;
        let choices = if is_open { 2.0 * (BARE_CHOICE + GAP) } else { 0.0 };
        let end = ui.max_rect().right() - actions;
        project_ui(cx, end - choices, ui);
        if is_open {
            ui.spacing_mut().interact_size.y = CONTROL;
            device_ui(cx, edit, end - choices / 2.0, ui);
            data_ui(cx, end, ui);
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.add_space(12.0);
            ui.spacing_mut().item_spacing.x = 4.0;
            action_ui(cx, ui, Action::Help, None);
            settings_ui(cx, ui, panes);
            if cx.session.open.is_some() {
                action_ui(cx, ui, Action::Redo, None);
                action_ui(cx, ui, Action::Undo, undo_name);
                action_ui(cx, ui, Action::Save, None);
            }
            action_ui(cx, ui, Action::Open, None);
            ui.add_space(8.0);
            search_ui(cx, ui);
        });
    });
}

/// What looks like a field opens the palette, where there is room for what is found.
fn search_ui(cx: PanelCtx<'_>, ui: &mut Ui) {
    let p = Palette::of(ui);
    let width = (ui.available_width() - 40.0).clamp(0.0, 320.0);
    if width < 160.0 {
        action_ui(cx, ui, Action::Search, None);
        return;
    }
    let (rect, response) = ui.allocate_exact_size(vec2(width, 28.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, Action::Search.name()));
    let edge = if response.hovered() || response.has_focus() { p.line_strong } else { p.line };
    ui.painter().rect(rect, CornerRadius::same(4), p.sunken, Stroke::new(1.0, edge), StrokeKind::Inside);
    let left = rect.left_center() + vec2(18.0, 0.0);
    ui.painter().text(left, Align2::CENTER_CENTER, icons::MAGNIFYING_GLASS, Type::IconSmall.font(), p.text_weak);
    ui.painter().text(left + vec2(14.0, 0.0), Align2::LEFT_CENTER, Action::Search.name(), Type::Small.font(), p.text_weak);
    let keys = Action::Search.keys(ui.ctx());
    ui.painter().text(rect.right_center() - vec2(10.0, 0.0), Align2::RIGHT_CENTER, keys, Type::Caption.font(), p.text_faint);
    if response.clicked() {
        cx.commands.act(Action::Search);
    }
}

/// A T of tin plate, with a small part beside it.
fn logo_ui(ui: &mut Ui) {
    let p = Palette::of(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(RAIL - 12.0, ui.available_height()), Sense::hover());
    let c = rect.center() + vec2(6.0, 0.0);
    let bar = |x: f32, y: f32, w: f32, h: f32| {
        ui.painter().rect_filled(Rect::from_min_size(pos2(c.x + x, c.y + y), vec2(w, h)), CornerRadius::ZERO, p.accent);
    };
    bar(-8.0, -7.0, 16.0, 4.0);
    bar(-2.5, -7.0, 4.5, 14.5);
    let part = |y: f32| Rect::from_min_size(pos2(c.x + 4.5, c.y + y), vec2(3.5, 3.5));
    ui.painter().rect_filled(part(-0.5), CornerRadius::ZERO, p.text_weak);
    ui.painter().rect_stroke(part(4.0), CornerRadius::ZERO, Stroke::new(1.0, p.text_weak), StrokeKind::Inside);
}

/// The project's name and its state, up to `end`.
fn project_ui(cx: PanelCtx<'_>, end: f32, ui: &mut Ui) {
    let p = Palette::of(ui);
    ui.spacing_mut().item_spacing.x = 8.0;
    let session = cx.session;
    let is_terse = Room::of(ui.ctx()) < Room::Usual;
    let marks = [session.is_unsaved(), session.is_read_only, session.is_elsewhere].into_iter().filter(|is| *is).count();
    // A mark with its word, or without.
    let mark = if is_terse { 40.0 } else { 120.0 };
    let room = end - ui.cursor().left() - marks as f32 * mark - 2.0 * ui.spacing().button_padding.x - GAP;
    let name = elided(ui, &session.name(), Type::Title, p.text, room.clamp(LEAST_WORDS, LONGEST));
    ui.scope(|ui| {
        ui.visuals_mut().widgets.inactive.weak_bg_fill = Color32::TRANSPARENT;
        ui.menu_button(name, |ui| {
            whole_menu(ui, |ui| file_menu(cx, ui));
        })
        .response
        .on_hover_text(where_from(cx));
    });
    if session.is_unsaved() {
        let mark = dot(ui, p.base, false);
        if is_terse {
            mark.widget_info(|| WidgetInfo::labeled(Role::Label, true, "unsaved"));
            mark.on_hover_text("unsaved");
        } else {
            ui.label(Type::Caption.text("unsaved", p.text_weak));
        }
    }
    let badge = |ui: &mut Ui, icon, words: &str, (ink, ground), about: &str| {
        let response = badge(ui, Some(icon), if is_terse { "" } else { words }, ink, ground);
        response.accessible_name(words).on_hover_text(if is_terse { format!("{words}\n{about}") } else { about.to_owned() });
    };
    if session.is_read_only {
        let about = "The file must not be written: save the project under another name.";
        badge(ui, icons::LOCK, "read-only", (p.text_weak, p.control), about);
    }
    if session.is_elsewhere {
        let about = "That window autosaves the project. Save this one under another name to keep both.";
        badge(ui, icons::WARNING, "open in another window", (p.amber, p.amber_soft), about);
    }
    ui.spacing_mut().item_spacing.x = GAP;
}

/// A menu that scrolls where the window is too low for it, with the bar beside its lines, not over them.
fn whole_menu(ui: &mut Ui, contents: impl FnOnce(&mut Ui)) {
    let height = ui.ctx().content_rect().height() - TOP_BAR - 16.0;
    let scroll = &mut ui.spacing_mut().scroll;
    scroll.floating_allocated_width = scroll.bar_width;
    ScrollArea::vertical().max_height(height).show(ui, contents);
}

fn where_from(cx: PanelCtx<'_>) -> String {
    let Some(open) = &cx.session.open else { return "Open a file".to_owned() };
    let source = format!("{}, {}", open.source.path.display(), open.source.format);
    match &open.project {
        Some(project) => format!("{}\nmodel: {source}", project.display()),
        None => format!("{source}\nnot saved as a project yet"),
    }
}

fn file_menu(cx: PanelCtx<'_>, ui: &mut Ui) {
    ui.set_min_width(FILE_MENU);
    let of = |group: Group| Action::ALL.into_iter().filter(move |a| a.about().group == group);
    for action in of(Group::File) {
        menu_action_ui(cx, ui, action);
    }
    ui.separator();
    for group in Group::ALL.into_iter().filter(|g| *g != Group::File) {
        ui.menu_button(group.title(), |ui| {
            for action in of(group) {
                menu_action_ui(cx, ui, action);
            }
        });
    }
    if !cx.session.recent.is_empty() {
        ui.separator();
    }
    for path in &cx.session.recent {
        let name = path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
        if ui.button(name).on_hover_text(path.display().to_string()).clicked() {
            cx.send(Command::OpenPath(path.clone()));
            ui.close();
        }
    }
}

fn device_ui(cx: PanelCtx<'_>, edit: &mut Edit, end: f32, ui: &mut Ui) {
    let device = cx.session.device();
    let chosen = device.as_ref().map_or(edit.device.as_str(), |d| d.name.as_str());
    let combo = with_icon(ui, "board", icons::CPU, chosen, end).show_ui(ui, |ui| {
        for device in devices() {
            if ui.selectable_label(edit.device == device.id, &device.name).on_hover_text(about(device)).clicked() {
                edit.device.clone_from(&device.id);
            }
        }
    });
    let words = device.map_or_else(|| format!("No board is called {}.", edit.device), |d| format!("{}: {}", d.name, about(&d)));
    combo.response.accessible_name("Board").on_hover_text(words);
}

fn about(device: &Device) -> String {
    let psram = device.psram_bytes.map_or_else(String::new, |b| format!(", {} slow RAM", units::bytes(b).joined()));
    let power =
        device.active_power.as_ref().map_or_else(|| "power unknown".to_owned(), |p| format!("{:.0} mW while it computes", p.mw));
    format!(
        "{} MHz, {} flash, {} RAM{psram}\n{}, {power}",
        device.clock_mhz,
        units::bytes(device.flash_bytes).joined(),
        units::bytes(device.ram_bytes).joined(),
        device.stack().name,
    )
}

fn data_ui(cx: PanelCtx<'_>, end: f32, ui: &mut Ui) {
    let data = cx.session.open.as_ref().and_then(|o| o.data.as_ref());
    let words = data.map_or_else(
        || "No data".to_owned(),
        |d| format!("{}, {} cal / {} test", d.set.name, d.roles.calibration.len(), d.roles.test.len()),
    );
    let combo = with_icon(ui, "data", icons::DATABASE, &words, end).show_ui(ui, |ui| {
        for action in [Action::ChooseData, Action::RemoveData] {
            let enabled = action == Action::ChooseData || data.is_some();
            if ui.add_enabled(enabled, Button::selectable(false, action.name())).clicked() {
                cx.commands.act(action);
            }
        }
    });
    let about = data.map_or_else(
        || "Without data nothing is calibrated or evaluated. Drop an .npz or .npy file on the window.".to_owned(),
        |d| {
            let note = d.roles.note.as_ref().map_or_else(String::new, |n| format!("\n{n}"));
            let labels = if d.set.labels.is_some() { "labelled" } else { "without labels" };
            format!("{words}\n{}\n{} samples, {labels}{note}", d.path.display(), d.set.n_samples())
        },
    );
    combo.response.accessible_name("Data").on_hover_text(about);
}

/// A choice with as much of its words as there is room for up to `end`; if that is next to nothing, none.
fn with_icon(ui: &Ui, salt: &'static str, icon: &str, words: &str, end: f32) -> ComboBox<'static> {
    let p = Palette::of(ui);
    let icon = Type::IconSmall.text(icon, p.text_weak);
    let words = elided(ui, &format!("{words}  "), Type::Small, p.text, (end - ui.cursor().left() - BARE_CHOICE).min(LONGEST));
    let is_bare = words.elided && words.size().x < LEAST_WORDS;
    let text = if is_bare { icon.into_atoms() } else { (icon, words).into_atoms() };
    ComboBox::from_id_salt(salt).width(0.0).selected_text(text).icon(|ui, rect, _, _| {
        let colour = Palette::of(ui).text_weak;
        ui.painter().text(rect.center(), Align2::CENTER_CENTER, icons::CARET_DOWN, Type::IconSmall.font(), colour);
    })
}

/// An action as a button; `of` is what it is about to be done to.
fn action_ui(cx: PanelCtx<'_>, ui: &mut Ui, action: Action, of: Option<&str>) {
    let shortcut = action.keys(ui.ctx());
    let about = of.map_or_else(|| action.about().what.to_owned(), |of| format!("{}: {of}", action.name()));
    ui.add_enabled_ui(action.is_enabled(cx.session), |ui| {
        let tooltip = format!("{about}  {shortcut}");
        if icon_button(ui, action.icon(), action.name()).on_hover_text(tooltip.trim()).clicked() {
            cx.commands.act(action);
        }
    });
}

/// How the window looks, and which panels are in the workspace.
fn settings_ui(cx: PanelCtx<'_>, ui: &mut Ui, panes: &[Pane]) {
    let p = Palette::of(ui);
    let button = Button::new(Type::Icon.text(icons::GEAR, p.text_weak)).frame_when_inactive(false).min_size(ICON_BUTTON);
    let (response, _) = MenuButton::from_button(button).ui(ui, |ui| {
        whole_menu(ui, |ui| settings_menu(cx, panes, ui));
    });
    response.accessible_name("Settings").on_hover_text("Settings");
}

fn settings_menu(cx: PanelCtx<'_>, panes: &[Pane], ui: &mut Ui) {
    let p = Palette::of(ui);
    let mut settings = cx.session.settings.clone();
    ui.label(small_caps("Theme", p.text_weak));
    let themes =
        [(ThemePreference::System, "As the system says"), (ThemePreference::Light, "Light"), (ThemePreference::Dark, "Dark")];
    for (theme, name) in themes {
        ui.radio_value(&mut settings.theme, theme, name);
    }
    ui.checkbox(&mut settings.high_contrast, Action::HighContrast.name());
    ui.checkbox(&mut settings.reduced_motion, Action::ReducedMotion.name());
    ui.separator();
    ui.label(small_caps("Size", p.text_weak));
    ui.horizontal(|ui| {
        for scale in SCALES {
            ui.selectable_value(&mut settings.scale, scale, format!("{:.0} %", scale * 100.0));
        }
    });
    if settings != cx.session.settings {
        cx.send(Command::Set(settings));
    }
    ui.separator();
    ui.label(small_caps(&format!("Panels of {}", cx.session.workspace.name()), p.text_weak));
    for pane in Pane::ALL {
        let mut is_shown = panes.contains(&pane);
        let can = cx.session.open.is_some() && (!is_shown || panes.len() > 1);
        if ui.add_enabled(can, Checkbox::new(&mut is_shown, pane.title())).clicked() {
            cx.send(Command::TogglePane(pane));
        }
    }
    menu_action_ui(cx, ui, Action::ResetLayout);
}

/// An action as a line of a menu.
fn menu_action_ui(cx: PanelCtx<'_>, ui: &mut Ui, action: Action) {
    let shortcut = action.keys(ui.ctx());
    let button = Button::new(action.name()).shortcut_text(shortcut);
    if ui.add_enabled(action.is_enabled(cx.session), button).on_hover_text(action.about().what).clicked() {
        cx.commands.act(action);
        ui.close();
    }
}
