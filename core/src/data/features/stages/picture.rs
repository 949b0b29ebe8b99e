//! Pictures: size, part, colour. Normalising is a stage of its own.

use serde::{Deserialize, Serialize};

use super::{Signal, StageProblem, Work, bounded};
use crate::data::Axis;
use crate::data::features::signal::Form;
use crate::settings::{Parameter, Settings, whole};

/// The longest side that is made.
const LONGEST: u32 = 8192;

/// Settings of a new size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Resize {
    /// Pixels of a line.
    pub width: u32,
    /// Lines.
    pub height: u32,
}

/// Settings of a part: the middle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Crop {
    /// Pixels of a line.
    pub width: u32,
    /// Lines.
    pub height: u32,
}

/// Settings of a picture without colour: none.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Grayscale {}

macro_rules! sized {
    ($settings:ident) => {
        impl Default for $settings {
            fn default() -> Self {
                Self { width: 96, height: 96 }
            }
        }

        impl Settings for $settings {
            fn parameters() -> Vec<Parameter<Self>> {
                vec![
                    whole(["width", "Width", "Pixels of a line.", "px"], 1..=LONGEST, |s| &mut s.width),
                    whole(["height", "Height", "Lines.", "px"], 1..=LONGEST, |s| &mut s.height),
                ]
            }
        }
    };
}

sized!(Resize);
sized!(Crop);

impl Settings for Grayscale {
    fn parameters() -> Vec<Parameter<Self>> {
        Vec::new()
    }
}

/// Height, width and channels of a picture that holds at least one pixel.
fn size(signal: &Signal) -> Result<[usize; 3], StageProblem> {
    let Form::Picture { width } = signal.form else {
        return Err(StageProblem::Form { expected: "a picture", found: signal.form.name() });
    };
    match [signal.n_rows(), width, signal.channels.len()] {
        [0, ..] | [_, 0, _] => Err(StageProblem::TooShort("the picture has no pixels".into())),
        size => Ok(size),
    }
}

/// A picture whose values are `value(line, column, channel)`.
fn picture(signal: &Signal, [height, width]: [usize; 2], value: impl Fn(usize, usize, usize) -> f32) -> Vec<Signal> {
    let n = signal.channels.len();
    let values = (0..height * width * n).map(|index| value(index / (width * n), index / n % width, index % n)).collect();
    vec![Signal { form: Form::Picture { width }, values, channels: signal.channels.clone(), rate_hz: 0.0 }]
}

impl Work for Resize {
    /// Pixel centres lie at halves, as in `tf.image.resize(method="bilinear")` without antialiasing.
    fn apply(&self, signal: &Signal) -> Result<Vec<Signal>, StageProblem> {
        let [old_height, old_width, n] = size(signal)?;
        let (height, width) = (self.height as usize, self.width as usize);
        bounded(&[height, width, n], "make it smaller")?;
        let lines: Vec<Place> = (0..height).map(|line| Place::new(line, height, old_height)).collect();
        let columns: Vec<Place> = (0..width).map(|column| Place::new(column, width, old_width)).collect();
        Ok(picture(signal, [height, width], |line, column, channel| {
            let at = |line: usize, column: usize| signal.values[(line * old_width + column) * n + channel];
            let across = |line: usize| columns[column].between(at(line, columns[column].low), at(line, columns[column].high));
            lines[line].between(across(lines[line].low), across(lines[line].high))
        }))
    }
}

/// Where a new pixel lies between two old ones.
struct Place {
    low: usize,
    high: usize,
    share: f32,
}

impl Place {
    fn new(index: usize, n_new: usize, n_old: usize) -> Self {
        let at = ((index as f64 + 0.5) * n_old as f64 / n_new as f64 - 0.5).max(0.0);
        let low = (at as usize).min(n_old - 1);
        Self { low, high: (low + 1).min(n_old - 1), share: (at - low as f64) as f32 }
    }

    fn between(&self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.share
    }
}

impl Work for Crop {
    fn apply(&self, signal: &Signal) -> Result<Vec<Signal>, StageProblem> {
        let [old_height, old_width, n] = size(signal)?;
        let (height, width) = (self.height as usize, self.width as usize);
        if height > old_height || width > old_width {
            return Err(StageProblem::Setting(format!(
                "width x height is {width} x {height} and a picture of {old_width} x {old_height} comes in; crop less, or resize before"
            )));
        }
        let (top, left) = ((old_height - height) / 2, (old_width - width) / 2);
        Ok(picture(signal, [height, width], |line, column, channel| {
            signal.values[((top + line) * old_width + left + column) * n + channel]
        }))
    }
}

impl Work for Grayscale {
    /// `0.299 R + 0.587 G + 0.114 B` (ITU-R BT.601); fewer than three channels are taken as they are, the first alone.
    fn apply(&self, signal: &Signal) -> Result<Vec<Signal>, StageProblem> {
        let [.., n] = size(signal)?;
        let luma = |pixel: &[f32]| match pixel {
            [red, green, blue, ..] => 0.299 * red + 0.587 * green + 0.114 * blue,
            [gray, ..] => *gray,
            [] => 0.0,
        };
        let values = signal.values.chunks_exact(n).map(luma).collect();
        Ok(vec![Signal { values, channels: vec![Axis::new("gray", "")], ..signal.clone() }])
    }
}
