//! Microphones, where there are none: a sound server of our own hears a tone, and libasound takes it for the default microphone.
#![cfg(target_os = "linux")]

use std::f64::consts::TAU;
use std::fs;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tinsmith_core::data::recording::{Cause, recover};
use tinsmith_tests::{binary, root};

/// What the server's microphone hears, Hz.
const TONE_HZ: u32 = 1_000;
/// The rate that is recorded at, Hz. The server's is 48 kHz.
const RATE_HZ: usize = 16_000;

/// A sound server with one microphone, and the settings that lead libasound to it.
struct Server {
    process: Child,
    folder: TempDir,
}

impl Server {
    /// Nothing where the server, or what leads libasound to it, is not installed; never so where changes are judged.
    fn start() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let Some(process) = serve(folder.path()) else {
            assert!(std::env::var_os("CI").is_none(), "no sound server: sh tests/run installs pulseaudio and libasound2-plugins");
            eprintln!("SKIP: no sound server here (sh tests/run installs pulseaudio and libasound2-plugins)");
            return None;
        };
        let socket = folder.path().join("socket");
        let device = |name: &str, text: &str| {
            format!(
                "pcm.!{name} {{ type pulse server \"unix:{}\" hint {{ show on description \"{text}\" }} }}\n",
                socket.display()
            )
        };
        let settings =
            format!("</usr/share/alsa/alsa.conf>\n{}{}", device("default", "Default"), device("desk", "Desk microphone"));
        fs::write(folder.path().join("alsa.conf"), settings).expect("room on the disk");
        Some(Self { process, folder })
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// `tinsmith device` with these words, on a computer that has this microphone.
    fn device(&self, words: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.arg("device").args(words).current_dir(root()).env("ALSA_CONFIG_PATH", self.path().join("alsa.conf"));
        command
    }

    fn stop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Starts the server and waits until it can be spoken to. Nothing if there is none.
fn serve(folder: &Path) -> Option<Child> {
    let socket = folder.join("socket");
    let _ = fs::remove_file(&socket);
    let process = Command::new("pulseaudio")
        .args(["-n", "-F", "/dev/null", "--exit-idle-time=-1", "--daemonize=no", "--use-pid-file=no"])
        .args(["-L", &format!("module-native-protocol-unix socket={} auth-anonymous=1", socket.display())])
        .args(["-L", &format!("module-sine-source source_name=tone rate=48000 frequency={TONE_HZ}")])
        .env("XDG_RUNTIME_DIR", folder)
        .env("HOME", folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let is_up = (0..300).any(|_| {
        thread::sleep(Duration::from_millis(100));
        UnixStream::connect(&socket).is_ok()
    });
    assert!(is_up, "the sound server does not come up");
    Some(process)
}

fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

/// Power at a frequency, by the discrete Fourier transform.
fn power(values: &[f32], hz: f64) -> f64 {
    let turn = |i: usize| TAU * hz * i as f64 / RATE_HZ as f64;
    let (re, im) = values.iter().enumerate().fold((0.0, 0.0), |(re, im), (i, value)| {
        let (sin, cos) = turn(i).sin_cos();
        (re + f64::from(*value) * cos, im + f64::from(*value) * sin)
    });
    2.0 * (re * re + im * im) / (values.len() * values.len()) as f64
}

/// Asserts that these values are the tone and nothing else: a jump anywhere would spread its power.
fn check_tone(values: &[f32], what: &str) {
    let tenth = RATE_HZ / 10;
    let by_power = |a: &f64, b: &f64| power(&values[..tenth], *a).total_cmp(&power(&values[..tenth], *b));
    let hz = (1..1_600).map(|step| f64::from(step) * 5.0).max_by(by_power).expect("there are some");
    assert!((hz / f64::from(TONE_HZ) - 1.0).abs() < 0.01, "{what}: {hz} Hz");
    for (i, window) in values.chunks_exact(tenth).enumerate() {
        let all = window.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>() / tenth as f64;
        let share = power(window, TONE_HZ.into()) / all;
        assert!(all > 1e-4 && share > 0.999, "{what}: tenth {i} has power {all}, the tone is {share} of it");
    }
}

#[test]
fn a_microphone_is_listed_monitored_and_recorded_at_the_wanted_rate() {
    let Some(server) = Server::start() else { return };
    let ports = json(&server.device(&["ports", "--json"]).output().expect("it runs"));
    let paths: Vec<&str> = ports["microphones"].as_array().expect("a list").iter().filter_map(|m| m["path"].as_str()).collect();
    assert_eq!((paths.first(), paths.contains(&"microphone:Desk microphone")), (Some(&"microphone"), true), "{ports}");

    let out = server.path().join("recordings");
    let out = out.to_str().expect("a plain name");
    for (input, label) in [("microphone", "default"), ("microphone:Desk microphone", "desk")] {
        let words = ["record", input, "--out", out, "--seconds", "3", "--label", label, "--json"];
        let recorded = json(&server.device(&words).output().expect("it runs"));
        let clip = &recorded["clips"][0];
        assert_eq!((&clip["instants"], &clip["gaps"]), (&(3 * RATE_HZ).into(), &0.into()), "{recorded}");
        let recording = recover(&Path::new(out).join(format!("{label}_001_audio.wav"))).expect("a recording");
        assert_eq!(recording.clip.sensor.rate_hz, RATE_HZ as f64);
        // The server fades in.
        check_tone(&recording.values[RATE_HZ / 2..], label);
    }

    let seen =
        json(&server.device(&["monitor", "microphone", "--seconds", "2", "--rate", "8000", "--json"]).output().expect("it runs"));
    let sensor = &seen["sensors"][0];
    assert_eq!((&sensor["rate_hz"], &sensor["gaps"]), (&8_000.0.into(), &0.into()), "{seen}");
    assert!(sensor["instants"].as_u64() > Some(8_000), "{seen}");
}

#[test]
fn a_microphone_that_goes_and_comes_back_leaves_a_gap() {
    let Some(mut server) = Server::start() else { return };
    let out = server.path().join("recordings");
    let words =
        ["record", "microphone", "--out", out.to_str().expect("a plain name"), "--seconds", "6", "--label", "cut", "--json"];
    let recording = server.device(&words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    let wav = out.join("cut_001_audio.wav");
    let has = |bytes: u64| {
        (0..600).any(|_| {
            thread::sleep(Duration::from_millis(100));
            fs::metadata(&wav).is_ok_and(|file| file.len() > bytes)
        })
    };
    assert!(has(2 * RATE_HZ as u64), "it records");
    server.stop();
    thread::sleep(Duration::from_secs(1));
    server.process = serve(server.path()).expect("it was there before");
    let output = recording.wait_with_output().expect("it ends");
    let recorded = json(&output);
    assert_eq!(recorded["clips"][0]["instants"], 6 * RATE_HZ, "{recorded}");
    let recording = recover(&wav).expect("a recording");
    let gaps = &recording.clip.gaps;
    assert!(gaps.len() == 1 && gaps[0].cause == Cause::Unplugged, "{gaps:?}");
    let at = gaps[0].at as usize;
    assert!(gaps[0].missing > RATE_HZ as u64 / 2, "{gaps:?}");
    check_tone(&recording.values[at + RATE_HZ / 2..], "after the gap");
}

#[test]
fn what_is_wrong_with_a_microphone_is_said_in_one_line() {
    let Some(server) = Server::start() else { return };
    let out = server.path().join("recordings");
    let out = out.to_str().expect("a plain name");
    let cases: [(&[&str], &str); 2] = [
        (&["record", "microphone:Attic", "--out", out], "there is no microphone Attic; there are: "),
        (&["record", "microphone", "--channel", "9999", "--out", out], "there is no channel 9999, it has "),
    ];
    for (words, said) in cases {
        let output = server.device(words).output().expect("it runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && stderr.contains(said) && stderr.trim_end().lines().count() == 1,
            "{words:?}: {stderr}"
        );
    }
    let mut silent = server.device(&["record", "microphone", "--out", out]);
    let output = silent.env("ALSA_CONFIG_PATH", "/dev/null").output().expect("it runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("there is no microphone: ") && stderr.trim_end().lines().count() == 1, "{stderr}");
}
