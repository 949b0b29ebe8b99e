//! Writing a picture of a window small: its few thousand colours become the 256 that stand for most pixels.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

use eframe::egui::{Color32, ColorImage};

/// Writes an indexed PNG and returns its size in bytes.
pub fn write(path: &Path, image: &ColorImage) -> io::Result<u64> {
    let palette = palette(image);
    let mut nearest: HashMap<Color32, u8> = HashMap::new();
    let indices: Vec<u8> =
        image.pixels.iter().map(|&colour| *nearest.entry(colour).or_insert_with(|| index_of(&palette, colour))).collect();
    let file = BufWriter::new(File::create(path)?);
    let mut encoder = png::Encoder::new(file, image.width() as u32, image.height() as u32);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(palette.iter().flat_map(|c| [c.r(), c.g(), c.b()]).collect::<Vec<u8>>());
    encoder.set_compression(png::Compression::High);
    encoder.set_filter(png::Filter::NoFilter);
    let mut writer = encoder.write_header().map_err(io::Error::other)?;
    writer.write_image_data(&indices).map_err(io::Error::other)?;
    writer.finish().map_err(io::Error::other)?;
    std::fs::metadata(path).map(|m| m.len())
}

/// Most frequent colours first, but none too close to one that is taken: large areas stay exact, soft edges stay smooth.
fn palette(image: &ColorImage) -> Vec<Color32> {
    let mut counts: HashMap<Color32, usize> = HashMap::new();
    for &colour in &image.pixels {
        *counts.entry(colour).or_default() += 1;
    }
    let mut by_count: Vec<(Color32, usize)> = counts.into_iter().collect();
    by_count.sort_by_key(|(colour, n)| (std::cmp::Reverse(*n), colour.to_array()));
    let mut palette: Vec<Color32> = Vec::new();
    for closest in [160, 60, 0] {
        for (colour, _) in &by_count {
            if palette.len() < 256 && palette.iter().all(|p| distance(*p, *colour) > closest) {
                palette.push(*colour);
            }
        }
    }
    palette
}

fn index_of(palette: &[Color32], colour: Color32) -> u8 {
    let nearest = palette.iter().enumerate().min_by_key(|(_, p)| distance(**p, colour));
    nearest.map_or(0, |(i, _)| i as u8)
}

fn distance(a: Color32, b: Color32) -> i32 {
    let d = |a: u8, b: u8| (i32::from(a) - i32::from(b)).pow(2);
    d(a.r(), b.r()) + d(a.g(), b.g()) + d(a.b(), b.b())
}
