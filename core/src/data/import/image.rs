//! Pictures: PNG, JPEG and BMP, as 8-bit grey or RGB.

use std::io::Cursor;

use image::{DynamicImage, ImageReader, Limits};

use crate::data::DataProblem;

/// The most pixels along a side.
const MAX_SIDE: u32 = 16_384;
/// The most bytes that a picture may unfold to.
const MAX_BYTES: u64 = 256 << 20;

/// A picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Pixels from top to bottom, at least 1.
    pub height: usize,
    /// Pixels from left to right, at least 1.
    pub width: usize,
    /// 1 for grey, 3 for red, green and blue.
    pub channels: usize,
    /// `[height, width, channels]`, 0 to 255.
    pub pixels: Vec<u8>,
}

impl Picture {
    /// `[height, width, channels]`.
    pub fn shape(&self) -> Vec<usize> {
        vec![self.height, self.width, self.channels]
    }
}

/// Whether bytes begin as a picture does.
pub fn is_image(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x89PNG") || bytes.starts_with(&[0xFF, 0xD8, 0xFF]) || bytes.starts_with(b"BM")
}

/// Decodes a picture. Grey stays grey, everything else becomes RGB; what is transparent shows its colour. Of more than 8 bits the
/// upper 8 are kept.
///
/// # Errors
/// [`DataProblem::Broken`]: it is damaged, or larger than 16,384 pixels a side or 256 MiB.
pub fn decode(bytes: &[u8]) -> Result<Picture, DataProblem> {
    let broken = |error: image::ImageError| broken(error.to_string());
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_BYTES.min(allowance(bytes.len())));
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    reader.limits(limits);
    let image = reader.decode().map_err(broken)?;
    let (width, height) = (image.width() as usize, image.height() as usize);
    let is_grey = matches!(
        image,
        DynamicImage::ImageLuma8(_) | DynamicImage::ImageLumaA8(_) | DynamicImage::ImageLuma16(_) | DynamicImage::ImageLumaA16(_)
    );
    let (channels, pixels) = if is_grey { (1, image.into_luma8().into_raw()) } else { (3, image.into_rgb8().into_raw()) };
    Ok(Picture { height, width, channels, pixels })
}

/// What a file of so many bytes may unfold to: deflate packs a picture of one colour a thousand times.
fn allowance(n_bytes: usize) -> u64 {
    const FREE_BYTES: u64 = 16 << 20;
    (n_bytes as u64).saturating_mul(1100).max(FREE_BYTES)
}

/// Encodes a picture as PNG.
///
/// # Errors
/// [`DataProblem::Broken`] if the pixels are not as many as the extents say.
pub fn png(picture: &Picture) -> Result<Vec<u8>, DataProblem> {
    let color = match picture.channels {
        1 => image::ExtendedColorType::L8,
        3 => image::ExtendedColorType::Rgb8,
        n => return Err(broken(format!("it has {n} channels, expected 1 or 3"))),
    };
    let mut file = Vec::new();
    let encoder = image::codecs::png::PngEncoder::new(&mut file);
    let sides = u32::try_from(picture.width).ok().zip(u32::try_from(picture.height).ok());
    let (width, height) = sides
        .filter(|_| picture.pixels.len() == picture.shape().iter().product::<usize>())
        .ok_or_else(|| broken(format!("it has {} values for {:?}", picture.pixels.len(), picture.shape())))?;
    image::ImageEncoder::write_image(encoder, &picture.pixels, width, height, color).map_err(|e| broken(e.to_string()))?;
    Ok(file)
}

fn broken(trouble: String) -> DataProblem {
    DataProblem::Broken { format: "picture", trouble }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(channels: usize) -> Picture {
        let pixels = (0..2 * 3 * channels).map(|i| (i * 11) as u8).collect();
        Picture { height: 2, width: 3, channels, pixels }
    }

    #[test]
    fn pngs_come_back() {
        for channels in [1, 3] {
            let file = png(&picture(channels)).unwrap();
            assert!(is_image(&file));
            assert_eq!(decode(&file).unwrap(), picture(channels));
        }
        assert!(png(&picture(2)).is_err());
        assert!(png(&Picture { height: 9, ..picture(3) }).is_err());
    }

    #[test]
    fn a_bmp_is_read_bottom_up() {
        // 1 x 2 pixels of 24 bits: the lower, blue, comes first in the file, each row padded to 4 bytes.
        let mut file = b"BM".to_vec();
        let words = [62_u32, 0, 54, 40, 1, 2, 1 | 24 << 16, 0, 8, 0, 0, 0, 0];
        file.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        file.extend([255, 0, 0, 0, 0, 0, 255, 0]);
        let read = decode(&file).unwrap();
        assert_eq!((read.shape(), read.pixels), (vec![2, 1, 3], vec![255, 0, 0, 0, 0, 255]));
    }

    #[test]
    fn broken_pictures_are_refused_in_a_line() {
        let sound = png(&picture(3)).unwrap();
        let mut huge = sound.clone();
        huge[16..24].copy_from_slice(&[0x7F, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF]);
        for bytes in [&sound[..20], &sound[..sound.len() / 2], &huge, b"\x89PNG", b"BM", &[0xFF, 0xD8, 0xFF, 0xE0]] {
            let error = decode(bytes).unwrap_err().to_string();
            assert!(error.starts_with("not a sound picture") && error.lines().count() == 1, "{error}");
        }
    }
}
