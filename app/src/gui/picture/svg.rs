//! Shapes of egui as a standalone SVG picture. Text stays text: it can be searched, edited and set in another font.
//!
//! Left out, because SVG viewers have nothing for it: shadows, textures, and icons (their font is not the reader's).

use std::fmt::Write;

use eframe::egui::epaint::text::{LayoutSection, PlacedRow};
use eframe::egui::epaint::{
    CircleShape, ClippedShape, ColorMode, CornerRadiusF32, EllipseShape, Mesh, PathShape, PathStroke, RectShape, TextShape,
};
use eframe::egui::{Color32, FontFamily, Pos2, Rect, Shape, Stroke, StrokeKind, TextureId, Vec2};

/// What `rect` shows of the shapes, as an SVG with its origin at the rectangle's top left corner.
pub fn svg(shapes: &[ClippedShape], rect: Rect) -> String {
    let mut picture = Writer { origin: rect.min.to_vec2(), defs: String::new(), body: String::new(), n_clips: 0 };
    let mut clip = None;
    for ClippedShape { clip_rect, shape, .. } in shapes {
        let visible = clip_rect.intersect(rect);
        if !visible.is_positive() || !visible.intersects(shape.visual_bounding_rect()) {
            continue;
        }
        if clip != Some(visible) {
            picture.clip(clip.is_some(), visible);
            clip = Some(visible);
        }
        picture.shape(shape);
    }
    if clip.is_some() {
        picture.body += "</g>\n";
    }
    let (width, height) = (number(rect.width()), number(rect.height()));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n\
         <defs>\n{}</defs>\n{}</svg>\n",
        picture.defs, picture.body
    )
}

struct Writer {
    origin: Vec2,
    defs: String,
    body: String,
    n_clips: usize,
}

impl Writer {
    /// Starts a group of which only what lies in `visible` is seen.
    fn clip(&mut self, is_open: bool, visible: Rect) {
        if is_open {
            self.body += "</g>\n";
        }
        let id = self.n_clips;
        self.n_clips += 1;
        let at = self.rect_attributes(visible);
        self.defs += &format!("<clipPath id=\"c{id}\"><rect {at}/></clipPath>\n");
        self.body += &format!("<g clip-path=\"url(#c{id})\">\n");
    }

    fn shape(&mut self, shape: &Shape) {
        match shape {
            Shape::Noop | Shape::Callback(_) => {}
            Shape::Vec(shapes) => shapes.iter().for_each(|s| self.shape(s)),
            Shape::Circle(circle) => self.circle(circle),
            Shape::Ellipse(ellipse) => self.ellipse(ellipse),
            Shape::LineSegment { points, stroke } => self.line(points, stroke),
            Shape::Path(path) => self.path(path),
            Shape::Rect(rect) => self.rect(rect),
            Shape::Text(text) => self.text(text),
            Shape::Mesh(mesh) => self.mesh(mesh),
            Shape::QuadraticBezier(curve) => {
                let [a, b, c] = curve.points.map(|p| self.point(p));
                self.curve(&format!("M{a}Q{b} {c}"), curve.closed, curve.fill, &curve.stroke);
            }
            Shape::CubicBezier(curve) => {
                let [a, b, c, d] = curve.points.map(|p| self.point(p));
                self.curve(&format!("M{a}C{b} {c} {d}"), curve.closed, curve.fill, &curve.stroke);
            }
            Shape::Band(band) => {
                let upper = band.points.iter().map(|p| Pos2::new(p.x, p.y.min));
                let lower = band.points.iter().rev().map(|p| Pos2::new(p.x, p.y.max));
                let outline = self.points(upper.chain(lower));
                self.element("polygon", &format!("points=\"{outline}\""), band.fill, &Stroke::NONE);
            }
        }
    }

    /// An element with fill and stroke; nothing, if neither is seen.
    fn element(&mut self, tag: &str, attributes: &str, fill: Color32, stroke: &Stroke) {
        if fill.a() > 0 || is_seen(stroke) {
            let _ = writeln!(self.body, "<{tag} {attributes}{}{}/>", paint("fill", fill), stroke_attributes(stroke));
        }
    }

    fn line(&mut self, [a, b]: &[Pos2; 2], stroke: &Stroke) {
        if is_seen(stroke) {
            let (a, b) = (*a - self.origin, *b - self.origin);
            let ends = format!("x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"", number(a.x), number(a.y), number(b.x), number(b.y));
            self.element("line", &ends, Color32::TRANSPARENT, stroke);
        }
    }

    fn circle(&mut self, circle: &CircleShape) {
        let at = circle.center - self.origin;
        let about = format!("cx=\"{}\" cy=\"{}\" r=\"{}\"", number(at.x), number(at.y), number(circle.radius));
        self.element("circle", &about, circle.fill, &circle.stroke);
    }

    fn ellipse(&mut self, ellipse: &EllipseShape) {
        let at = ellipse.center - self.origin;
        let turn = turn(ellipse.angle, at);
        let (rx, ry) = (number(ellipse.radius.x), number(ellipse.radius.y));
        let about = format!("cx=\"{}\" cy=\"{}\" rx=\"{rx}\" ry=\"{ry}\"{turn}", number(at.x), number(at.y));
        self.element("ellipse", &about, ellipse.fill, &ellipse.stroke);
    }

    fn rect(&mut self, shape: &RectShape) {
        // Blurred rectangles are shadows; textured ones are images.
        if shape.blur_width > 0.0 || shape.brush.is_some() {
            return;
        }
        // SVG strokes lie on the middle of the outline.
        let outwards = match shape.stroke_kind {
            _ if !is_seen(&shape.stroke) => 0.0,
            StrokeKind::Inside => -shape.stroke.width / 2.0,
            StrokeKind::Middle => 0.0,
            StrokeKind::Outside => shape.stroke.width / 2.0,
        };
        let rect = shape.rect.expand(outwards);
        let turn = turn(shape.angle, rect.center() - self.origin);
        let corners = CornerRadiusF32::from(shape.corner_radius);
        if corners.is_same() {
            let radius = (corners.nw + outwards).max(0.0).min(rect.size().min_elem() / 2.0);
            let round = if radius > 0.0 { format!(" rx=\"{}\"", number(radius)) } else { String::new() };
            let at = self.rect_attributes(rect);
            self.element("rect", &format!("{at}{round}{turn}"), shape.fill, &shape.stroke);
        } else {
            let outline = self.rounded(rect, corners);
            self.element("path", &format!("d=\"{outline}\"{turn}"), shape.fill, &shape.stroke);
        }
    }

    /// The outline of a rectangle whose corners differ.
    fn rounded(&self, rect: Rect, corners: CornerRadiusF32) -> String {
        let arc = |radius: f32, to: Pos2| {
            let r = number(radius);
            format!("A{r} {r} 0 0 1 {}", self.point(to))
        };
        let (min, max) = (rect.min, rect.max);
        format!(
            "M{}L{}{}L{}{}L{}{}L{}{}Z",
            self.point(Pos2::new(min.x + corners.nw, min.y)),
            self.point(Pos2::new(max.x - corners.ne, min.y)),
            arc(corners.ne, Pos2::new(max.x, min.y + corners.ne)),
            self.point(Pos2::new(max.x, max.y - corners.se)),
            arc(corners.se, Pos2::new(max.x - corners.se, max.y)),
            self.point(Pos2::new(min.x + corners.sw, max.y)),
            arc(corners.sw, Pos2::new(min.x, max.y - corners.sw)),
            self.point(Pos2::new(min.x, min.y + corners.nw)),
            arc(corners.nw, Pos2::new(min.x + corners.nw, min.y)),
        )
    }

    fn path(&mut self, path: &PathShape) {
        let tag = if path.closed { "polygon" } else { "polyline" };
        let points = self.points(path.points.iter().copied());
        let fill = if path.closed { path.fill } else { Color32::TRANSPARENT };
        self.element(tag, &format!("points=\"{points}\""), fill, &plain(&path.stroke));
    }

    fn curve(&mut self, outline: &str, is_closed: bool, fill: Color32, stroke: &PathStroke) {
        let end = if is_closed { "Z" } else { "" };
        self.element("path", &format!("d=\"{outline}{end}\""), fill, &plain(stroke));
    }

    /// Triangles of one colour. Those with a texture are images, which are left out.
    fn mesh(&mut self, mesh: &Mesh) {
        if mesh.texture_id != TextureId::default() || !mesh.is_valid() {
            return;
        }
        for triangle in mesh.indices.chunks_exact(3) {
            let corners = [0, 1, 2].map(|i| mesh.vertices[triangle[i] as usize]);
            let colour = corners[0].color.lerp_to_gamma(corners[1].color, 0.5).lerp_to_gamma(corners[2].color, 1.0 / 3.0);
            let points = self.points(corners.iter().map(|v| v.pos));
            // Neighbouring triangles would show a seam if their edges were smoothed.
            self.element("polygon", &format!("points=\"{points}\" shape-rendering=\"crispEdges\""), colour, &Stroke::NONE);
        }
    }

    fn text(&mut self, text: &TextShape) {
        let job = &text.galley.job;
        let mut sections = job.sections.iter().peekable();
        let mut byte = 0;
        for row in &text.galley.rows {
            let mut run: Option<(&LayoutSection, usize)> = None;
            for (i, glyph) in row.glyphs.iter().enumerate() {
                while sections.peek().is_some_and(|s| s.byte_range.end.0 <= byte) {
                    sections.next();
                }
                let section = sections.peek().copied().or(job.sections.last());
                if let Some((of, from)) = run
                    && section.is_some_and(|s| s.byte_range != of.byte_range)
                {
                    self.run(text, row, of, from..i);
                    run = None;
                }
                run = run.or(section.map(|s| (s, i)));
                byte += glyph.chr.len_utf8();
            }
            if let Some((of, from)) = run {
                self.run(text, row, of, from..row.glyphs.len());
            }
            byte += usize::from(row.ends_with_newline);
        }
    }

    /// Glyphs of one row in one format.
    fn run(&mut self, text: &TextShape, row: &PlacedRow, section: &LayoutSection, glyphs: std::ops::Range<usize>) {
        let glyphs = &row.glyphs[glyphs];
        let words: String = glyphs.iter().map(|g| g.chr).filter(|c| !is_icon(*c)).collect();
        let (Some(first), Some(last)) = (glyphs.first(), glyphs.last()) else { return };
        if words.trim().is_empty() {
            return;
        }
        let pos = text.pos - self.origin;
        let at = pos + row.pos.to_vec2() + first.pos.to_vec2();
        let colour = match section.format.color {
            _ if text.override_text_color.is_some() => text.override_text_color.unwrap_or_default(),
            Color32::PLACEHOLDER => text.fallback_color,
            colour => colour,
        };
        let (family, weight) = font(&section.format.font_id.family);
        // The width it has on screen, whatever font the reader has.
        let width = last.pos.x + last.advance_width - first.pos.x;
        let fit = if glyphs.len() > 1 { format!(" textLength=\"{}\"", number(width)) } else { String::new() };
        let _ = writeln!(
            self.body,
            "<text x=\"{}\" y=\"{}\" font-family=\"{family}\" font-size=\"{}\" font-weight=\"{weight}\" xml:space=\"preserve\"{fit}\
             {}{}>{}</text>",
            number(at.x),
            number(at.y),
            number(section.format.font_id.size),
            paint("fill", colour.gamma_multiply(text.opacity_factor)),
            turn(text.angle, pos),
            escaped(&words)
        );
    }

    fn point(&self, p: Pos2) -> String {
        let p = p - self.origin;
        format!("{} {}", number(p.x), number(p.y))
    }

    fn points(&self, points: impl Iterator<Item = Pos2>) -> String {
        points.map(|p| p - self.origin).map(|p| format!("{},{}", number(p.x), number(p.y))).collect::<Vec<_>>().join(" ")
    }

    fn rect_attributes(&self, rect: Rect) -> String {
        let min = rect.min - self.origin;
        let (x, y, width, height) = (number(min.x), number(min.y), number(rect.width()), number(rect.height()));
        format!("x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"")
    }
}

fn is_seen(stroke: &Stroke) -> bool {
    stroke.width > 0.0 && stroke.color.a() > 0
}

/// A path's stroke, if it has one colour.
fn plain(stroke: &PathStroke) -> Stroke {
    match &stroke.color {
        ColorMode::Solid(colour) => Stroke::new(stroke.width, *colour),
        ColorMode::UV(_) => Stroke::NONE,
    }
}

fn stroke_attributes(stroke: &Stroke) -> String {
    if !is_seen(stroke) {
        return String::new();
    }
    format!("{} stroke-width=\"{}\" stroke-linejoin=\"round\"", paint("stroke", stroke.color), number(stroke.width))
}

/// `fill="#35b8a7" fill-opacity="0.5"`.
fn paint(what: &str, colour: Color32) -> String {
    let [r, g, b, a] = colour.to_srgba_unmultiplied();
    match a {
        0 => format!(" {what}=\"none\""),
        255 => format!(" {what}=\"#{r:02x}{g:02x}{b:02x}\""),
        _ => format!(" {what}=\"#{r:02x}{g:02x}{b:02x}\" {what}-opacity=\"{}\"", number(f32::from(a) / 255.0)),
    }
}

fn turn(angle: f32, about: Pos2) -> String {
    if angle == 0.0 {
        return String::new();
    }
    format!(" transform=\"rotate({} {} {})\"", number(angle.to_degrees()), number(about.x), number(about.y))
}

/// Family with what to take where it is missing, and weight.
fn font(family: &FontFamily) -> (&'static str, u16) {
    const SANS: &str = "Inter, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif";
    match family {
        FontFamily::Monospace => ("'JetBrains Mono', Consolas, Menlo, monospace", 400),
        FontFamily::Name(name) if name.contains("semibold") => (SANS, 600),
        FontFamily::Name(name) if name.contains("medium") => (SANS, 500),
        FontFamily::Proportional | FontFamily::Name(_) => (SANS, 400),
    }
}

/// Icons are private characters of a font that nobody else has.
fn is_icon(c: char) -> bool {
    ('\u{e000}'..='\u{f8ff}').contains(&c)
}

fn escaped(text: &str) -> String {
    // What XML does not allow is left out: it could not be read again.
    let allowed = text.chars().filter(|c| !c.is_control());
    allowed.fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            _ => out.push(c),
        }
        out
    })
}

/// Two decimals at most.
fn number(x: f32) -> String {
    let text = format!("{x:.2}");
    let short = text.trim_end_matches('0').trim_end_matches('.');
    if short == "-0" || !x.is_finite() { "0".to_owned() } else { short.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::{Align2, Context, CornerRadius, FontId, RawInput, pos2, vec2};

    const CANVAS: Rect = Rect { min: pos2(100.0, 50.0), max: pos2(300.0, 150.0) };

    fn clipped(shape: Shape) -> ClippedShape {
        ClippedShape::new(CANVAS, shape)
    }

    #[test]
    fn shapes_move_to_the_origin_and_keep_their_colours() {
        let red = Color32::from_rgb(0xee, 0x6f, 0x66);
        let at = Rect::from_min_size(pos2(110.0, 60.0), vec2(20.0, 10.0));
        let shapes = [
            clipped(Shape::Rect(RectShape::new(
                at,
                CornerRadius::same(2),
                red,
                Stroke::new(1.0, Color32::WHITE),
                StrokeKind::Inside,
            ))),
            clipped(Shape::circle_filled(pos2(150.0, 100.0), 4.0, Color32::from_rgba_unmultiplied(255, 0, 0, 51))),
            clipped(Shape::line_segment([pos2(100.0, 50.0), pos2(300.0, 150.0)], Stroke::new(1.25, red))),
            clipped(Shape::convex_polygon(vec![pos2(100.0, 50.0), pos2(110.0, 50.0), pos2(100.0, 60.5)], red, Stroke::NONE)),
            clipped(Shape::Vec(Shape::dashed_line(&[pos2(100.0, 70.0), pos2(130.0, 70.0)], Stroke::new(1.0, red), 10.0, 10.0))),
        ];
        let text = svg(&shapes, CANVAS);
        for expected in [
            "viewBox=\"0 0 200 100\"",
            "<rect x=\"10.5\" y=\"10.5\" width=\"19\" height=\"9\" rx=\"1.5\" fill=\"#ee6f66\" stroke=\"#ffffff\"",
            "<circle cx=\"50\" cy=\"50\" r=\"4\" fill=\"#ff0000\" fill-opacity=\"0.2\"/>",
            "<line x1=\"0\" y1=\"0\" x2=\"200\" y2=\"100\" fill=\"none\" stroke=\"#ee6f66\" stroke-width=\"1.25\"",
            "<polygon points=\"0,0 10,0 0,10.5\" fill=\"#ee6f66\"/>",
        ] {
            assert!(text.contains(expected), "{expected} in\n{text}");
        }
        assert_eq!(text.matches("<line ").count(), 3, "two dashes and the line");
    }

    #[test]
    fn what_lies_outside_is_left_out_and_the_rest_is_clipped() {
        let outside = Shape::circle_filled(pos2(500.0, 500.0), 4.0, Color32::RED);
        assert!(!svg(&[clipped(outside)], CANVAS).contains("circle"));
        let clip_rect = Rect::from_min_size(CANVAS.min, vec2(10.0, 10.0));
        let half = ClippedShape::new(clip_rect, Shape::circle_filled(pos2(108.0, 58.0), 8.0, Color32::RED));
        let text = svg(&[half], CANVAS);
        assert!(text.contains("<clipPath id=\"c0\"><rect x=\"0\" y=\"0\" width=\"10\" height=\"10\"/></clipPath>"));
        assert_eq!(text.matches("<g ").count(), text.matches("</g>").count());
    }

    #[test]
    fn text_stays_text_with_its_font() {
        let ctx = Context::default();
        let mut shapes = Vec::new();
        let mut output = ctx.run_ui(RawInput::default(), |ui| {
            let painter = ui.painter();
            painter.text(pos2(110.0, 60.0), Align2::LEFT_TOP, "a < b & c", FontId::proportional(13.0), Color32::WHITE);
            painter.text(pos2(110.0, 90.0), Align2::LEFT_TOP, "3×3", FontId::monospace(10.5), Color32::WHITE);
            let layer = ui.layer_id();
            shapes = ui.ctx().graphics(|g| g.get(layer).unwrap().all_entries().cloned().collect());
        });
        output.textures_delta.clear();
        let text = svg(&shapes, CANVAS);
        assert!(text.contains(">a &lt; b &amp; c</text>"), "{text}");
        assert!(text.contains("font-family=\"'JetBrains Mono', Consolas, Menlo, monospace\" font-size=\"10.5\""), "{text}");
        assert!(text.contains("font-family=\"Inter,") && text.contains("fill=\"#ffffff\""), "{text}");
    }
}
