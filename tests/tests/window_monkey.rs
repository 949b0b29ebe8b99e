//! A monkey at the window: random clicks, drags, keys, wheels, words, dropped files and commands, from a seed. It must not panic, hang
//! or grow.
//!
//! Every frame is a quarter of a second of the window's time and brings one input, as a hasty user does. By default it is a few
//! minutes of that; 24 hours are
//!
//!     TINSMITH_MONKEY_FRAMES=345600 cargo test --release -p tinsmith-tests --test window_monkey -- --nocapture
//!
//! TINSMITH_MONKEY_SEED replays another one.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use eframe::egui::{Event, Key, Modifiers, MouseWheelSource, MouseWheelUnit, PointerButton, Pos2, TouchPhase, pos2, vec2};
use tinsmith::gui::command::{Action, Command};
use tinsmith_tests::window::{Folder, Window, app, drop_file, open, send};

/// The program's own: what it keeps is part of what is watched.
#[global_allocator]
static ALLOCATOR: tinsmith::Allocator = tinsmith::Allocator;

/// One frame must not take longer, on any machine.
const HANG: Duration = Duration::from_secs(20);
/// Beyond what the window holds after a tenth of the time it must not grow by more than this.
const GROWTH: usize = 96 << 20;

/// xorshift64*, Vigna 2016 ("An experimental exploration of Marsaglia's xorshift generators, scrambled").
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() >> 33) as usize % n
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    fn place(&mut self) -> Pos2 {
        pos2(self.below(1280) as f32, self.below(800) as f32)
    }
}

const KEYS: [Key; 24] = [
    Key::Tab,
    Key::Enter,
    Key::Space,
    Key::Escape,
    Key::ArrowUp,
    Key::ArrowDown,
    Key::ArrowLeft,
    Key::ArrowRight,
    Key::PageDown,
    Key::Home,
    Key::End,
    Key::Backspace,
    Key::Delete,
    Key::F1,
    Key::F6,
    Key::A,
    Key::B,
    Key::F,
    Key::K,
    Key::S,
    Key::Y,
    Key::Z,
    Key::Slash,
    Key::OpenBracket,
];

struct Monkey {
    random: Random,
    at: Pos2,
    is_down: bool,
    files: Vec<PathBuf>,
}

impl Monkey {
    fn act(&mut self, window: &mut Window) {
        let modifiers =
            self.random.pick(&[Modifiers::NONE, Modifiers::NONE, Modifiers::NONE, Modifiers::COMMAND, Modifiers::SHIFT]);
        match self.random.below(100) {
            0..=34 => self.click(window, modifiers),
            35..=54 => {
                self.at = self.random.place();
                window.event(Event::PointerMoved(self.at));
            }
            55..=59 => self.press(window, !self.is_down, modifiers),
            60..=69 => {
                let delta = vec2(0.0, self.random.below(200) as f32 - 100.0);
                window.event(Event::MouseWheel {
                    unit: MouseWheelUnit::Point,
                    delta,
                    phase: TouchPhase::Move,
                    modifiers,
                    source: MouseWheelSource::Wheel,
                });
            }
            70..=89 => {
                let key = self.random.pick(&KEYS);
                window.key_press_modifiers(modifiers, key);
            }
            90..=93 => {
                let text = self.random.pick(&["0.5", "999999999", "-1", "conv", "é", "1e9", ""]);
                window.event(Event::Text(text.to_owned()));
            }
            94..=97 => {
                let action = self.random.pick(&Action::ALL);
                send(window, Command::Do(action));
            }
            98 => {
                let path = self.random.pick(&self.files);
                drop_file(window, &path);
            }
            _ => {
                let folder = self.files[0].parent().expect("in a folder").join("out");
                send(window, self.random.pick(&[Command::Cancel, Command::ExportTo(folder)]));
            }
        }
        window.step();
    }

    fn click(&mut self, window: &mut Window, modifiers: Modifiers) {
        self.at = self.random.place();
        window.event(Event::PointerMoved(self.at));
        self.press(window, true, modifiers);
        window.step();
        self.press(window, false, modifiers);
    }

    fn press(&mut self, window: &mut Window, pressed: bool, modifiers: Modifiers) {
        self.is_down = pressed;
        let button = if self.random.below(12) == 0 { PointerButton::Secondary } else { PointerButton::Primary };
        window.event(Event::PointerButton { pos: self.at, button, pressed, modifiers });
    }
}

/// Bytes that the process holds in memory, where the system says.
fn resident_bytes() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    text.split_whitespace().nth(1)?.parse::<usize>().ok().map(|pages| pages * 4096)
}

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn random_input_neither_breaks_nor_hangs_nor_fills_the_window() {
    let frames = from_environment("TINSMITH_MONKEY_FRAMES", 2_500) as usize;
    let seed = from_environment("TINSMITH_MONKEY_SEED", 2026).max(1);
    let folder = Folder::new("monkey");
    let project = folder.project();
    let garbage = folder.0.join("garbage.tflite");
    std::fs::write(&garbage, b"no model at all").unwrap();
    let (model, data) = folder.sample();
    let mut window = open(Some(project.clone()));
    app(&window).forbid_dialogs();
    let mut monkey = Monkey { random: Random(seed), at: Pos2::ZERO, is_down: false, files: vec![project, model, data, garbage] };
    let start = Instant::now();
    let (mut slowest, mut settled) = (Duration::ZERO, None);
    for i in 0..frames {
        let frame = Instant::now();
        monkey.act(&mut window);
        slowest = slowest.max(frame.elapsed());
        assert!(frame.elapsed() < HANG, "seed {seed}, input {i}: a frame took {:?}", frame.elapsed());
        if i == frames / 10 {
            settled = resident_bytes();
        }
        if i % 20_000 == 0 {
            println!("{i} inputs, {:?}, {} MB", start.elapsed(), resident_bytes().unwrap_or(0) >> 20);
        }
    }
    let held = resident_bytes();
    println!(
        "{frames} inputs, seed {seed}: {:?}, slowest frame {slowest:?}, {} MB after a tenth, {} MB at the end",
        start.elapsed(),
        settled.unwrap_or(0) >> 20,
        held.unwrap_or(0) >> 20
    );
    if let (Some(settled), Some(held)) = (settled, held) {
        assert!(held < settled + GROWTH, "seed {seed}: grew from {settled} to {held} bytes");
    }
}
