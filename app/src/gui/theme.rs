//! Every colour, type size and distance of the window. One meaning a colour, everywhere, plots included:
//!
//! | colour | means |
//! | --- | --- |
//! | accent | candidate, chosen, selected, primary action |
//! | base | baseline: the float model as it came |
//! | amber | estimate, warning |
//! | red | does not fit, lost data, error |
//! | green | fits, verified |
//!
//! A colour never speaks alone: a word or a mark goes with it.

use std::sync::Arc;

use eframe::egui::style::{Selection, WidgetVisuals};
use eframe::egui::{
    Color32, Context, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Margin, RichText, Shadow, Stroke, Style,
    TextStyle, Theme, Ui, Vec2, Visuals, vec2,
};

/// Height of the top bar.
pub const TOP_BAR: f32 = 44.0;
/// Height of the metrics strip.
pub const METRICS_STRIP: f32 = 64.0;
/// Height of the metrics strip where there is little room.
pub const METRICS_STRIP_SMALL: f32 = 52.0;
/// Width of the workspace rail.
pub const RAIL: f32 = 56.0;
/// Height of the status line.
pub const STATUS_LINE: f32 = 28.0;
/// Height of a panel's header.
pub const PANEL_HEADER: f32 = 28.0;
/// Distance of a panel's contents from its edges.
pub const PANEL_PADDING: i8 = 12;
/// Height of a control: button, select, number field.
pub const CONTROL: f32 = 24.0;
/// Height of a small control.
pub const CONTROL_SMALL: f32 = 20.0;
/// Height of a table's row.
pub const TABLE_ROW: f32 = 20.0;
/// Height of a table's header.
pub const TABLE_HEADER: f32 = 24.0;
/// Width of the labels left of controls.
pub const LABEL_COLUMN: f32 = 84.0;
/// Rounding of controls.
pub const RADIUS_CONTROL: u8 = 4;
/// Rounding of cards.
pub const RADIUS_CARD: u8 = 6;
/// Seconds in which values and switches ease.
pub const EASE_S: f32 = 0.12;

/// The colours of one theme.
#[derive(Clone, Debug, PartialEq)]
pub struct Palette {
    /// Behind panels.
    pub bg: Color32,
    /// Panels, bars, strips.
    pub panel: Color32,
    /// Graph canvas, number fields.
    pub sunken: Color32,
    /// Ground of plots and empty parts of bars.
    pub plot: Color32,
    /// Cards, tooltips, hovered rows.
    pub raised: Color32,
    /// Buttons, selects, badges.
    pub control: Color32,
    /// Hovered controls, slider tracks.
    pub control_hover: Color32,
    /// The chosen part of a segmented switch.
    pub segment: Color32,
    /// Where panels meet.
    pub line: Color32,
    /// Dashed outlines, tooltip edge.
    pub line_strong: Color32,
    /// Outline of cards; transparent in the dark theme.
    pub card_line: Color32,
    /// Plot grid.
    pub grid: Color32,
    /// Plot axes, graph edges.
    pub axis: Color32,
    /// Text.
    pub text: Color32,
    /// Second lines, labels of controls.
    pub text_weak: Color32,
    /// Captions, units, axis numbers.
    pub text_faint: Color32,
    /// Fills, curves, switches.
    pub accent: Color32,
    /// Words in the accent.
    pub accent_text: Color32,
    /// Selected row, chosen badge.
    pub accent_soft: Color32,
    /// Quiet bars in tables.
    pub accent_line: Color32,
    /// On an accent fill.
    pub on_accent: Color32,
    /// Baseline curves and words.
    pub base: Color32,
    /// Baseline histogram fill.
    pub base_soft: Color32,
    /// A switch that is off, what is cut off.
    pub base_fill: Color32,
    /// Estimate, warning.
    pub amber: Color32,
    /// Behind amber words.
    pub amber_soft: Color32,
    /// Error, does not fit.
    pub red: Color32,
    /// Behind red words.
    pub red_soft: Color32,
    /// Fits, verified.
    pub green: Color32,
    /// Behind green words.
    pub green_soft: Color32,
    /// Things that are none of these.
    pub series: [Color32; 4],
    /// From little to much in even steps of lightness.
    pub heat: [Color32; 8],
    /// Text on a heat cell up to and from `heat_ink_from`.
    pub heat_ink: [Color32; 2],
    /// Where the text on a heat cell changes.
    pub heat_ink_from: f32,
    /// Alpha of shadows of tooltips and menus.
    pub shadow_alpha: u8,
}

const fn hex(rgb: u32) -> Color32 {
    Color32::from_rgb((rgb >> 16) as u8, (rgb >> 8) as u8, rgb as u8)
}

const fn hexes<const N: usize>(rgb: [u32; N]) -> [Color32; N] {
    let mut colours = [Color32::BLACK; N];
    let mut i = 0;
    while i < N {
        colours[i] = hex(rgb[i]);
        i += 1;
    }
    colours
}

static DARK: Palette = Palette {
    bg: hex(0x121518),
    panel: hex(0x191d21),
    sunken: hex(0x14171a),
    plot: hex(0x15191c),
    raised: hex(0x21262b),
    control: hex(0x2a3036),
    control_hover: hex(0x343b42),
    segment: hex(0x343b42),
    line: hex(0x2b3137),
    line_strong: hex(0x414a52),
    card_line: Color32::TRANSPARENT,
    grid: hex(0x262c31),
    axis: hex(0x4a535b),
    text: hex(0xe1e6ea),
    text_weak: hex(0xa3adb6),
    text_faint: hex(0x87919b),
    accent: hex(0x35b8a7),
    accent_text: hex(0x58d0bf),
    accent_soft: hex(0x1c3b39),
    accent_line: hex(0x24635c),
    on_accent: hex(0x06201d),
    base: hex(0x89949e),
    base_soft: hex(0x3a4249),
    base_fill: hex(0x4b545c),
    amber: hex(0xe2ad48),
    amber_soft: hex(0x3a2f1b),
    red: hex(0xee6f66),
    red_soft: hex(0x40211f),
    green: hex(0x8cc265),
    green_soft: hex(0x24331c),
    series: hexes([0x6fa8f0, 0xb48cf2, 0xe28ab4, 0x87919b]),
    heat: hexes([0x23284a, 0x3b3a74, 0x5f4897, 0x8d57a8, 0xbd69a9, 0xe587a4, 0xf9b3a6, 0xfde0bd]),
    heat_ink: hexes([0xf2f4f6, 0x14171a]),
    heat_ink_from: 0.52,
    shadow_alpha: 115,
};

static LIGHT: Palette = Palette {
    bg: hex(0xe6e9ec),
    panel: hex(0xf6f7f8),
    sunken: hex(0xeceef0),
    plot: hex(0xffffff),
    raised: hex(0xffffff),
    control: hex(0xe8ebee),
    control_hover: hex(0xdce0e4),
    segment: hex(0xffffff),
    line: hex(0xd5dade),
    line_strong: hex(0xb3bbc2),
    card_line: hex(0xd5dade),
    grid: hex(0xe7eaed),
    axis: hex(0xa4adb5),
    text: hex(0x1a2025),
    text_weak: hex(0x4f5a64),
    text_faint: hex(0x67727c),
    accent: hex(0x088073),
    accent_text: hex(0x067466),
    accent_soft: hex(0xd5eeea),
    accent_line: hex(0x8fcdc4),
    on_accent: hex(0xffffff),
    base: hex(0x6b757e),
    base_soft: hex(0xd9dde1),
    base_fill: hex(0xbcc4ca),
    amber: hex(0x8f6000),
    amber_soft: hex(0xf6e8c8),
    red: hex(0xc2362f),
    red_soft: hex(0xfbe0dd),
    green: hex(0x3b7a1c),
    green_soft: hex(0xdfeed3),
    series: hexes([0x2b6cc4, 0x7a4fc4, 0xb83f7c, 0x67727c]),
    heat: hexes([0xf7f1f4, 0xecd6e4, 0xdcb3d3, 0xc48cc0, 0xa367ac, 0x7b4a96, 0x523679, 0x2d2556]),
    heat_ink: hexes([0x1a2025, 0xffffff]),
    heat_ink_from: 0.50,
    shadow_alpha: 41,
};

/// Dark with black grounds; text and lines at full strength. Text on its grounds has a contrast of 7 and more (WCAG 2.2, AAA).
static DARK_HIGH: Palette = Palette {
    bg: hex(0x000000),
    panel: hex(0x000001),
    sunken: hex(0x000000),
    plot: hex(0x000000),
    raised: hex(0x101214),
    control: hex(0x1c2024),
    control_hover: hex(0x3a424a),
    segment: hex(0x46505a),
    line: hex(0x7a868f),
    line_strong: hex(0xb9c2c9),
    card_line: hex(0x7a868f),
    grid: hex(0x3a424a),
    axis: hex(0xa3adb6),
    text: hex(0xffffff),
    text_weak: hex(0xe1e6ea),
    text_faint: hex(0xc9d1d7),
    accent: hex(0x4fe0cc),
    accent_text: hex(0x7ff0e0),
    accent_soft: hex(0x0d4640),
    accent_line: hex(0x2f8a7e),
    on_accent: hex(0x000000),
    base: hex(0xc3ccd3),
    base_soft: hex(0x566069),
    base_fill: hex(0x6c7780),
    amber: hex(0xffd27a),
    red: hex(0xff9a92),
    green: hex(0xb5ec8c),
    ..DARK
};

/// Light with white grounds; text and lines at full strength.
static LIGHT_HIGH: Palette = Palette {
    bg: hex(0xf2f3f4),
    panel: hex(0xffffff),
    sunken: hex(0xffffff),
    plot: hex(0xffffff),
    control: hex(0xe2e6e9),
    control_hover: hex(0xc8ced3),
    line: hex(0x6b757e),
    line_strong: hex(0x3a424a),
    card_line: hex(0x6b757e),
    grid: hex(0xc8ced3),
    axis: hex(0x4f5a64),
    text: hex(0x000000),
    text_weak: hex(0x1f262b),
    text_faint: hex(0x343c43),
    accent: hex(0x005a50),
    accent_text: hex(0x004f46),
    accent_soft: hex(0xbfe6e0),
    accent_line: hex(0x4fa598),
    base: hex(0x3f484f),
    base_soft: hex(0xb9c0c6),
    base_fill: hex(0x8f99a1),
    amber: hex(0x5f4000),
    red: hex(0x8f1711),
    green: hex(0x24520d),
    ..LIGHT
};

static ALL: [&Palette; 4] = [&DARK, &LIGHT, &DARK_HIGH, &LIGHT_HIGH];

impl Palette {
    /// The colours that `ui` is painted in. They are known by the ground that [`set_style`] gave the style: every palette has
    /// another.
    pub fn of(ui: &Ui) -> &'static Self {
        let ground = ui.visuals().panel_fill;
        ALL.into_iter().find(|p| p.panel == ground).unwrap_or_else(|| Self::named(ui.theme(), false))
    }

    /// The colours of a theme, as they are or with strong contrast.
    pub fn named(theme: Theme, high_contrast: bool) -> &'static Self {
        match (theme, high_contrast) {
            (Theme::Dark, false) => &DARK,
            (Theme::Light, false) => &LIGHT,
            (Theme::Dark, true) => &DARK_HIGH,
            (Theme::Light, true) => &LIGHT_HIGH,
        }
    }

    /// The heat map at `t`, 0 (little) to 1 (much).
    pub fn heat_at(&self, t: f32) -> Color32 {
        let x = t.clamp(0.0, 1.0) * (self.heat.len() - 1) as f32;
        let i = (x as usize).min(self.heat.len() - 2);
        self.heat[i].lerp_to_gamma(self.heat[i + 1], x - i as f32)
    }

    /// A colour for text on the heat map at `t`.
    pub fn heat_ink_at(&self, t: f32) -> Color32 {
        self.heat_ink[usize::from(t > self.heat_ink_from)]
    }
}

/// The kinds of text in the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// 13 px.
    Body,
    /// 13 px, emphasis.
    BodyMedium,
    /// 13 px, titles of cards and of the project.
    Title,
    /// 12 px: tables, controls, status line.
    Small,
    /// 12 px, emphasis.
    SmallMedium,
    /// 12 px, panel titles.
    SmallTitle,
    /// 11 px: second lines, axis numbers, badges.
    Caption,
    /// 11 px, names of metrics; use [`small_caps`].
    SmallCaps,
    /// 19 px: the metrics strip.
    Figure,
    /// 15 px: statistics in panels.
    FigureSmall,
    /// 28 px: a page's headline.
    Headline,
    /// 12 px, code and hashes.
    Mono,
    /// 10.5 px, shapes on graph edges.
    Edge,
    /// 16 px icon.
    Icon,
    /// 14 px icon.
    IconSmall,
    /// 20 px icon.
    IconRail,
}

const MEDIUM: &str = "medium";
const SEMIBOLD: &str = "semibold";
const ICONS: &str = "icons";

impl Type {
    /// Family and size.
    pub fn font(self) -> FontId {
        let sans = FontFamily::Proportional;
        let named = |name: &str| FontFamily::Name(name.into());
        match self {
            Self::Body => FontId::new(13.0, sans),
            Self::BodyMedium => FontId::new(13.0, named(MEDIUM)),
            Self::Title => FontId::new(13.0, named(SEMIBOLD)),
            Self::Small => FontId::new(12.0, sans),
            Self::SmallMedium => FontId::new(12.0, named(MEDIUM)),
            Self::SmallTitle => FontId::new(12.0, named(SEMIBOLD)),
            Self::Caption => FontId::new(11.0, sans),
            Self::SmallCaps => FontId::new(11.0, named(MEDIUM)),
            Self::Figure => FontId::new(19.0, named(SEMIBOLD)),
            Self::FigureSmall => FontId::new(15.0, named(MEDIUM)),
            Self::Headline => FontId::new(28.0, named(SEMIBOLD)),
            Self::Mono => FontId::new(12.0, FontFamily::Monospace),
            Self::Edge => FontId::new(10.5, FontFamily::Monospace),
            Self::Icon => FontId::new(16.0, named(ICONS)),
            Self::IconSmall => FontId::new(14.0, named(ICONS)),
            Self::IconRail => FontId::new(20.0, named(ICONS)),
        }
    }

    /// Text of this kind in a colour.
    pub fn text(self, text: impl Into<String>, colour: Color32) -> RichText {
        RichText::new(text).font(self.font()).color(colour)
    }
}

/// Small capitals: upper case, spaced.
pub fn small_caps(text: &str, colour: Color32) -> RichText {
    Type::SmallCaps.text(text.to_uppercase(), colour).extra_letter_spacing(0.55)
}

/// Installs fonts and both themes.
pub fn install(ctx: &Context) {
    ctx.set_fonts(fonts());
    set_style(ctx, false, false);
}

/// Paints both themes with or without strong contrast, and lets things move or not: a style that eases in no time at all is how
/// every animation knows that motion is unwanted.
pub fn set_style(ctx: &Context, high_contrast: bool, reduced_motion: bool) {
    for theme in [Theme::Dark, Theme::Light] {
        ctx.style_mut_of(theme, |style| {
            apply(style, Palette::named(theme, high_contrast), theme);
            style.animation_time = if reduced_motion { 0.0 } else { EASE_S };
        });
    }
}

fn fonts() -> FontDefinitions {
    let mut fonts = FontDefinitions::default();
    let embedded: [(&str, &'static [u8]); 5] = [
        ("inter", include_bytes!("../../../assets/fonts/Inter-Regular.otf")),
        ("inter-medium", include_bytes!("../../../assets/fonts/Inter-Medium.otf")),
        ("inter-semibold", include_bytes!("../../../assets/fonts/Inter-SemiBold.otf")),
        ("jetbrains-mono", include_bytes!("../../../assets/fonts/JetBrainsMono-Regular.ttf")),
        ("phosphor", include_bytes!("../../../assets/fonts/Phosphor.ttf")),
    ];
    for (name, bytes) in embedded {
        fonts.font_data.insert(name.to_owned(), Arc::new(FontData::from_static(bytes)));
    }
    // What a file's name may contain beyond Latin is left to egui's own fonts.
    let fallback = fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default();
    let family =
        |first: &str| [first, "phosphor"].iter().map(|&n| n.to_owned()).chain(fallback.iter().cloned()).collect::<Vec<_>>();
    fonts.families.insert(FontFamily::Proportional, family("inter"));
    fonts.families.insert(FontFamily::Name(MEDIUM.into()), family("inter-medium"));
    fonts.families.insert(FontFamily::Name(SEMIBOLD.into()), family("inter-semibold"));
    fonts.families.insert(FontFamily::Monospace, family("jetbrains-mono"));
    fonts.families.insert(FontFamily::Name(ICONS.into()), family("phosphor"));
    fonts
}

fn apply(style: &mut Style, p: &Palette, theme: Theme) {
    style.text_styles = [
        (TextStyle::Heading, Type::Title.font()),
        (TextStyle::Body, Type::Small.font()),
        (TextStyle::Button, Type::Small.font()),
        (TextStyle::Small, Type::Caption.font()),
        (TextStyle::Monospace, Type::Mono.font()),
    ]
    .into();
    style.interaction.tooltip_delay = 0.4;
    style.interaction.selectable_labels = false;
    let spacing = &mut style.spacing;
    spacing.item_spacing = vec2(8.0, 4.0);
    spacing.button_padding = vec2(8.0, 2.0);
    spacing.interact_size = vec2(24.0, CONTROL);
    spacing.menu_margin = Margin::same(4);
    spacing.window_margin = Margin::same(12);
    spacing.icon_width = 12.0;
    spacing.combo_height = 320.0;
    spacing.tooltip_width = 320.0;
    spacing.scroll.bar_width = 8.0;
    spacing.scroll.floating_width = 4.0;
    style.visuals = visuals(p, theme);
}

fn visuals(p: &Palette, theme: Theme) -> Visuals {
    let mut v = match theme {
        Theme::Dark => Visuals::dark(),
        Theme::Light => Visuals::light(),
    };
    let state = |fill: Color32, text: Color32, stroke: Color32| WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: fill,
        bg_stroke: Stroke::new(1.0, stroke),
        corner_radius: CornerRadius::same(RADIUS_CONTROL),
        fg_stroke: Stroke::new(1.0, text),
        expansion: 0.0,
    };
    let clear = Color32::TRANSPARENT;
    v.widgets.noninteractive = state(p.panel, p.text, p.line);
    v.widgets.inactive = state(p.control, p.text, clear);
    v.widgets.hovered = state(p.control_hover, p.text, clear);
    v.widgets.active = state(p.control_hover, p.text, p.accent);
    v.widgets.open = state(p.control_hover, p.text, clear);
    v.selection = Selection { bg_fill: p.accent_soft, stroke: Stroke::new(1.0, p.accent_text) };
    v.override_text_color = None;
    v.weak_text_color = Some(p.text_weak);
    v.hyperlink_color = p.accent_text;
    v.faint_bg_color = p.raised;
    v.extreme_bg_color = p.sunken;
    v.text_edit_bg_color = Some(p.sunken);
    v.code_bg_color = p.sunken;
    v.warn_fg_color = p.amber;
    v.error_fg_color = p.red;
    v.panel_fill = p.panel;
    v.window_fill = p.raised;
    v.window_stroke = Stroke::new(1.0, p.line_strong);
    v.window_corner_radius = CornerRadius::same(RADIUS_CARD);
    v.menu_corner_radius = CornerRadius::same(RADIUS_CONTROL);
    let shadow = Shadow { offset: [0, 2], blur: 8, spread: 0, color: Color32::from_black_alpha(p.shadow_alpha) };
    v.window_shadow = shadow;
    v.popup_shadow = shadow;
    v.disabled_alpha = 0.45;
    v
}

/// The size of a square icon button.
pub const ICON_BUTTON: Vec2 = Vec2::splat(CONTROL);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heat_map_starts_and_ends_at_its_colours() {
        for theme in [Theme::Dark, Theme::Light] {
            let p = Palette::named(theme, false);
            assert_eq!(p.heat_at(-1.0), p.heat[0]);
            assert_eq!(p.heat_at(0.0), p.heat[0]);
            assert_eq!(p.heat_at(1.0), p.heat[7]);
            assert_eq!(p.heat_at(f32::INFINITY), p.heat[7]);
        }
    }
    /// Relative luminance of an opaque colour (WCAG 2.2).
    fn luminance(colour: Color32) -> f64 {
        let linear = |c: u8| {
            let c = f64::from(c) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(colour.r()) + 0.7152 * linear(colour.g()) + 0.0722 * linear(colour.b())
    }

    fn contrast(a: Color32, b: Color32) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_can_be_read_on_every_ground() {
        for (theme, high_contrast, least) in
            [(Theme::Dark, false, 4.5), (Theme::Light, false, 4.5), (Theme::Dark, true, 7.0), (Theme::Light, true, 7.0)]
        {
            let p = Palette::named(theme, high_contrast);
            for ground in [p.panel, p.raised, p.plot, p.sunken] {
                for ink in [p.text, p.text_weak, p.accent_text, p.amber, p.red, p.green] {
                    let found = contrast(ink, ground);
                    assert!(found >= least, "{theme:?}, high contrast {high_contrast}: {ink:?} on {ground:?} has {found:.2}");
                }
            }
        }
    }

    #[test]
    fn every_palette_is_known_by_its_ground() {
        for (i, a) in ALL.iter().enumerate() {
            assert!(ALL[i + 1..].iter().all(|b| b.panel != a.panel));
        }
    }
}
