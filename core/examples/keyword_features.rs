//! Turns WAV clips into the features of the keyword sample: `MfccConfig::keyword()` over one second, centred.
//!
//! ```text
//! cargo run -p tinsmith-core --example keyword_features -- CLIPS_FOLDER OUT.npy
//! ```
//!
//! OUT.npy gets float32 `[clips, 49, 10, 1]`, the folder's .wav files in the order of their names.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use tinsmith_core::data::features::{Mfcc, MfccConfig, fit_clip};
use tinsmith_core::data::npy;
use tinsmith_core::data::wav::read_wav;

fn main() -> ExitCode {
    let args: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [folder, out] = &args[..] else {
        eprintln!("usage: keyword_features CLIPS_FOLDER OUT.npy");
        return ExitCode::from(2);
    };
    match write_features(folder, out) {
        Ok(n_clips) => {
            eprintln!("{n_clips} clips -> {}", out.display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn write_features(folder: &Path, out: &Path) -> Result<usize, Box<dyn Error>> {
    let config = MfccConfig::keyword();
    let clip_len = config.rate_hz as usize;
    let (n_frames, n_coefficients) = (config.n_frames(clip_len), config.n_coefficients);

    let mut mfcc = Mfcc::new(config)?;
    let mut features = Vec::new();
    let files = wav_files(folder)?;
    for file in &files {
        let sound = read_wav(file)?;
        if sound.rate_hz as usize != clip_len {
            return Err(format!("{}: {} Hz, expected {clip_len} Hz", file.display(), sound.rate_hz).into());
        }
        features.extend(mfcc.coefficients(&fit_clip(&sound.mono(), clip_len)));
    }
    let bytes: Vec<u8> = features.iter().flat_map(|value: &f32| value.to_le_bytes()).collect();
    npy::write(&mut std::fs::File::create(out)?, "<f4", &[files.len(), n_frames, n_coefficients, 1], &bytes)?;
    Ok(files.len())
}

fn wav_files(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "wav") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
