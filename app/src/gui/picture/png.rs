//! A part of the window's pixels as a PNG file.

use eframe::egui::{ColorImage, Rect};

/// The part of `image` under `rect`, which is in points.
///
/// # Errors
/// No pixel of the window lies in the rectangle, or the picture cannot be encoded.
pub fn png(image: &ColorImage, rect: Rect, pixels_per_point: f32) -> Result<Vec<u8>, String> {
    let [width, height] = image.size;
    let pixel = |points: f32, end: usize| ((points * pixels_per_point).round().max(0.0) as usize).min(end);
    let (left, right) = (pixel(rect.left(), width), pixel(rect.right(), width));
    let (top, bottom) = (pixel(rect.top(), height), pixel(rect.bottom(), height));
    if left >= right || top >= bottom {
        return Err("the picture lies outside the window: scroll to it and save it again".to_owned());
    }
    let mut rgb = Vec::with_capacity((right - left) * (bottom - top) * 3);
    for row in image.pixels.chunks_exact(width.max(1)).take(bottom).skip(top) {
        for colour in &row[left..right] {
            rgb.extend_from_slice(&[colour.r(), colour.g(), colour.b()]);
        }
    }
    encode(&rgb, (right - left) as u32, (bottom - top) as u32).map_err(|error| format!("the picture was not encoded: {error}"))
}

fn encode(rgb: &[u8], width: u32, height: u32) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(rgb)?;
    writer.finish()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::{Color32, pos2};

    #[test]
    fn the_part_under_the_rectangle_is_kept() {
        let mut image = ColorImage::filled([8, 6], Color32::BLACK);
        image[(4, 2)] = Color32::from_rgb(1, 2, 3);
        // Two pixels a point: columns 4 to 7, rows 2 to 3.
        let bytes = png(&image, Rect::from_min_max(pos2(2.0, 1.0), pos2(9.0, 2.0)), 2.0).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height), (4, 2));
        assert_eq!(pixels[..4], [1, 2, 3, 0]);
    }

    #[test]
    fn what_lies_outside_is_refused() {
        let image = ColorImage::filled([8, 6], Color32::BLACK);
        let beyond = Rect::from_min_max(pos2(20.0, 1.0), pos2(30.0, 2.0));
        assert!(png(&image, beyond, 1.0).unwrap_err().contains("outside the window"));
    }
}
