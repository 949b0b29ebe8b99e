//! The bar at the top: what is open, for which board, with which data; undo, redo and the theme.

use eframe::egui::containers::menu::MenuButton;
use eframe::egui::{
    Align, Align2, Button, Checkbox, ComboBox, CornerRadius, Layout, Rect, RichText, Role, Sense, Stroke, StrokeKind,
    ThemePreference, Ui, WidgetInfo, pos2, vec2,
};
use tinsmith_core::measure::device::{Device, devices};

use crate::gui::command::{Action, Command, Group};
use crate::gui::context::PanelCtx;
use crate::gui::icons;
use crate::gui::session::Edit;
use crate::gui::settings::SCALES;
use crate::gui::theme::{CONTROL, ICON_BUTTON, Palette, RAIL, Type, small_caps};
use crate::gui::units;
use crate::gui::widgets::{badge, dot, icon_button};
use crate::gui::workspace::Pane;

/// Shows the bar.
pub fn ui(cx: PanelCtx<'_>, edit: &mut Edit, undo_name: Option<&str>, panes: &[Pane], ui: &mut Ui) {
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = 12.0;
        logo_ui(ui);
        project_ui(cx, ui);
        if cx.session.open.is_some() {
            ui.spacing_mut().interact_size.y = CONTROL;
            device_ui(cx, edit, ui);
            data_ui(cx, ui);
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

fn project_ui(cx: PanelCtx<'_>, ui: &mut Ui) {
    let p = Palette::of(ui);
    ui.spacing_mut().item_spacing.x = 8.0;
    let name = cx.session.name();
    ui.scope(|ui| {
        ui.visuals_mut().widgets.inactive.weak_bg_fill = eframe::egui::Color32::TRANSPARENT;
        ui.menu_button(Type::Title.text(&name, p.text), |ui| file_menu(cx, ui)).response.on_hover_text(where_from(cx));
    });
    if cx.session.is_unsaved() {
        dot(ui, p.base, false);
        ui.label(Type::Caption.text("unsaved", p.text_weak));
    }
    if cx.session.is_read_only {
        badge(ui, Some(icons::LOCK), "read-only", p.text_weak, p.control)
            .on_hover_text("The file must not be written: save the project under another name.");
    }
    if cx.session.is_elsewhere {
        badge(ui, Some(icons::WARNING), "open in another window", p.amber, p.amber_soft)
            .on_hover_text("That window autosaves the project. Save this one under another name to keep both.");
    }
    ui.spacing_mut().item_spacing.x = 12.0;
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

fn device_ui(cx: PanelCtx<'_>, edit: &mut Edit, ui: &mut Ui) {
    let device = cx.session.device();
    let chosen = device.as_ref().map_or(edit.device.as_str(), |d| d.name.as_str());
    let combo = with_icon(ui, "board", icons::CPU, chosen).show_ui(ui, |ui| {
        for device in devices() {
            if ui.selectable_label(edit.device == device.id, &device.name).on_hover_text(about(device)).clicked() {
                edit.device.clone_from(&device.id);
            }
        }
    });
    let words = device.map_or_else(|| format!("No board is called {}.", edit.device), |d| about(&d));
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

fn data_ui(cx: PanelCtx<'_>, ui: &mut Ui) {
    let data = cx.session.open.as_ref().and_then(|o| o.data.as_ref());
    let words = data.map_or_else(
        || "No data".to_owned(),
        |d| format!("{}, {} cal / {} test", d.set.name, d.roles.calibration.len(), d.roles.test.len()),
    );
    let combo = with_icon(ui, "data", icons::DATABASE, &words).show_ui(ui, |ui| {
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
            format!("{}\n{} samples, {labels}{note}", d.path.display(), d.set.n_samples())
        },
    );
    combo.response.accessible_name("Data").on_hover_text(about);
}

fn with_icon(ui: &Ui, salt: &'static str, icon: &str, words: &str) -> ComboBox<'static> {
    let p = Palette::of(ui);
    let text: (RichText, RichText) = (Type::IconSmall.text(icon, p.text_weak), Type::Small.text(format!("{words}  "), p.text));
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
    });
    response.accessible_name("Settings").on_hover_text("Settings");
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
