//! The text of the C files.

use std::fmt::Write;

use super::super::NamedFile;
use super::super::c_text::{comment, float, identifier};
use super::plan::{FeaturePlan, Step};
use crate::data::features::{FramesOf, Logarithm, Spectrum};

/// Header and source of a front end called after `name`.
pub fn features_c(name: &str, plan: &FeaturePlan) -> Vec<NamedFile> {
    let lower = format!("{}_features", identifier(name));
    let writer = Writer { plan, upper: lower.to_ascii_uppercase(), lower };
    let file = |suffix: &str, text: String| NamedFile { name: format!("{}{suffix}", writer.lower), bytes: text.into_bytes() };
    vec![file(".h", writer.header()), file(".c", writer.source())]
}

struct Writer<'a> {
    plan: &'a FeaturePlan,
    lower: String,
    upper: String,
}

/// A constant array of floats, six to a line.
fn array(text: &mut String, name: &str, values: impl IntoIterator<Item = f32>) {
    let values: Vec<f32> = values.into_iter().collect();
    write(text, format_args!("static const float {name}[{}] = {{\n", values.len()));
    for line in values.chunks(6) {
        let line: Vec<String> = line.iter().map(|&x| float(x)).collect();
        write(text, format_args!("    {},\n", line.join(", ")));
    }
    text.push_str("};\n");
}

fn write(text: &mut String, what: std::fmt::Arguments<'_>) {
    text.write_fmt(what).expect("writing to a string succeeds");
}

impl Writer<'_> {
    fn preamble(&self, suffix: &str) -> String {
        let title =
            format!("{}{suffix}\nMade by Tinsmith {}; export again rather than edit.", self.lower, env!("CARGO_PKG_VERSION"));
        comment(&title, " ")
    }

    fn header(&self) -> String {
        let (lower, upper, plan) = (&self.lower, &self.upper, self.plan);
        let mut text = self.preamble(".h");
        write(&mut text, format_args!("#ifndef {upper}_H\n#define {upper}_H\n\n#ifdef __cplusplus\nextern \"C\" {{\n#endif\n\n"));
        let numbers = [
            ("RATE_HZ", float(plan.rate_hz as f32), "instants a second"),
            ("CHANNELS", plan.n_channels.to_string(), "floats of an instant"),
            ("VALUES", plan.n_values().to_string(), "floats that come out at once"),
            ("STATE_BYTES", plan.ram_bytes().to_string(), "RAM"),
            ("TABLE_BYTES", plan.table_bytes().to_string(), "flash, beside the code"),
        ];
        for (what, value, note) in numbers {
            let name = format!("{upper}_{what}");
            write(&mut text, format_args!("#define {name:<36} {value:>10}  // {note}\n"));
        }
        if let Some(frame) = &plan.frame {
            let config = frame.mfcc.config();
            for (what, value) in [("FRAME", config.frame_len), ("STEP", config.frame_step), ("FFT", config.fft_len)] {
                let name = format!("{upper}_{what}");
                write(&mut text, format_args!("#define {name:<36} {value:>10}\n"));
            }
        }
        write(&mut text, format_args!("\n// What it remembers from one instant to the next.\ntypedef struct {{\n"));
        for (field, len) in self.fields() {
            write(&mut text, format_args!("    float {field}[{len}];\n"));
        }
        write(
            &mut text,
            format_args!(
                "    int filled;\n    int skip;\n}} {lower}_state;\n\n// Before the first instant, and after a gap.\n\
                 void {lower}_reset({lower}_state *state);\n\n// Takes one instant. 1 if out[] holds new values, else 0.\n\
                 int {lower}_push({lower}_state *state, const float instant[{upper}_CHANNELS], float out[{upper}_VALUES]);\n\n\
                 #ifdef __cplusplus\n}}\n#endif\n\n#endif  // {upper}_H\n"
            ),
        );
        text
    }

    /// Names and lengths of the state's arrays.
    fn fields(&self) -> Vec<(String, usize)> {
        let filters = self.plan.filters().into_iter().enumerate();
        let mut fields: Vec<(String, usize)> =
            filters.map(|(index, (sections, width))| (format!("filter_{index}"), 2 * sections.0.len() * width)).collect();
        if let Some(frame) = &self.plan.frame {
            let config = frame.mfcc.config();
            let frame = [("frame", config.frame_len), ("work", config.fft_len), ("bands", config.n_mels)];
            fields.extend(frame.map(|(name, len)| (name.to_owned(), len)));
        }
        fields
    }

    fn source(&self) -> String {
        let (lower, upper, plan) = (&self.lower, &self.upper, self.plan);
        let mut text = self.preamble(".c");
        write(&mut text, format_args!("#include \"{lower}.h\"\n\n#include <math.h>\n#include <string.h>\n\n"));
        self.tables(&mut text);
        if !plan.filters().is_empty() {
            text.push_str(FILTER);
        }
        if let Some(frame) = &plan.frame {
            let macros = |code: &str| code.replace("LOWER", lower).replace("UPPER", upper);
            text.push_str(&macros(TRANSFORM));
            text.push_str(&macros(&frame_code(frame)));
        }
        write(
            &mut text,
            format_args!(
                "\nvoid {lower}_reset({lower}_state *state) {{\n    memset(state, 0, sizeof *state);\n}}\n\n\
                 int {lower}_push({lower}_state *state, const float instant[{upper}_CHANNELS], float out[{upper}_VALUES]) {{\n    \
                 float x[{upper}_CHANNELS];\n    memcpy(x, instant, sizeof x);\n"
            ),
        );
        if plan.frame.is_none() && plan.filters().is_empty() {
            text.push_str("    (void)state;  // Nothing is remembered.\n");
        }
        let (mut width, mut filters) = (plan.n_channels, 0);
        for (index, step) in plan.each.iter().enumerate() {
            step_code(&mut text, step, "x", &mut width, (&mut filters, &format!("each_{index}")));
        }
        if plan.frame.is_some() {
            write(&mut text, format_args!("    if (!{lower}_frame(state, x[0], out)) return 0;\n"));
        } else {
            write(&mut text, format_args!("    memcpy(out, x, {upper}_VALUES * sizeof *out);\n"));
        }
        let mut width = plan.n_values();
        for (index, step) in plan.after.iter().enumerate() {
            step_code(&mut text, step, "out", &mut width, (&mut filters, &format!("after_{index}")));
        }
        text.push_str("    return 1;\n}\n");
        text
    }

    fn tables(&self, text: &mut String) {
        for (index, (sections, _)) in self.plan.filters().into_iter().enumerate() {
            let coefficients = sections.0.iter().flat_map(|s| [s.b[0], s.b[1], s.b[2], s.a[1], s.a[2]]).map(|x| x as f32);
            array(text, &format!("sections_{index}"), coefficients);
        }
        for (place, steps) in [("each", &self.plan.each), ("after", &self.plan.after)] {
            for (index, step) in steps.iter().enumerate() {
                if let Step::Normalise(columns) = step {
                    array(text, &format!("{place}_{index}"), columns.iter().flat_map(|&(a, b)| [a as f32, b as f32]));
                }
            }
        }
        let Some(frame) = &self.plan.frame else { return };
        let fft_len = frame.mfcc.config().fft_len;
        array(text, "window", frame.mfcc.window());
        let angle = |k: usize| 2.0 * std::f64::consts::PI * k as f64 / fft_len as f64;
        array(text, "circle", (0..fft_len / 2).flat_map(|k| [angle(k).cos() as f32, -angle(k).sin() as f32]));
        let bands = frame.mfcc.bands();
        array(text, "weights", bands.iter().flat_map(|band| band.weights.iter().copied()));
        write(text, format_args!("static const unsigned short band[{}][2] = {{  // first bin, bins\n", bands.len()));
        for line in bands.chunks(8) {
            let line: Vec<String> = line.iter().map(|band| format!("{{{}, {}}}", band.first_bin, band.weights.len())).collect();
            write(text, format_args!("    {},\n", line.join(", ")));
        }
        text.push_str("};\n");
        if frame.has_cosines {
            array(text, "cosines", frame.mfcc.cosines().iter().copied());
        }
    }
}

/// One step on the floats `of`, of which there are `width`.
fn step_code(text: &mut String, step: &Step, of: &str, width: &mut usize, (filters, table): (&mut usize, &str)) {
    match step {
        Step::Mono => {
            write(text, format_args!("    for (int i = 1; i < {width}; i++) {of}[0] += {of}[i];\n    {of}[0] /= {width};\n"));
            *width = 1;
        }
        Step::Normalise(_) => write(
            text,
            format_args!("    for (int i = 0; i < {width}; i++) {of}[i] = ({of}[i] - {table}[2 * i]) / {table}[2 * i + 1];\n"),
        ),
        Step::Filter(sections) => {
            let (n, index) = (sections.0.len(), *filters);
            write(
                text,
                format_args!(
                    "    for (int i = 0; i < {width}; i++) {of}[i] = filtered({of}[i], sections_{index}, {n}, state->filter_{index} + \
                     {} * i);\n",
                    2 * n
                ),
            );
            *filters += 1;
        }
    }
}

/// Second-order sections in transposed direct form II.
const FILTER: &str = "
static float filtered(float x, const float *section, int n, float *memory) {
    for (; n > 0; n--, section += 5, memory += 2) {
        float y = section[0] * x + memory[0];
        memory[0] = section[1] * x - section[3] * y + memory[1];
        memory[1] = section[2] * x - section[4] * y;
        x = y;
    }
    return x;
}
";

/// A real transform through a complex one of half the length, in place.
const TRANSFORM: &str = "
// Spectrum of UPPER_FFT real numbers: afterwards w[2 k] is |X|^2 of bin k, w[1] that of the last bin.
static void powers(float *w) {
    enum { HALF = UPPER_FFT / 2 };
    for (int i = 1, j = 0; i < HALF; i++) {
        int bit = HALF >> 1;
        for (; j & bit; bit >>= 1) j ^= bit;
        j ^= bit;
        if (i < j) {
            float re = w[2 * i], im = w[2 * i + 1];
            w[2 * i] = w[2 * j], w[2 * i + 1] = w[2 * j + 1];
            w[2 * j] = re, w[2 * j + 1] = im;
        }
    }
    for (int n = 2; n <= HALF; n *= 2) {
        int stride = UPPER_FFT / n;
        for (int i = 0; i < HALF; i += n) {
            for (int k = 0; k < n / 2; k++) {
                float *a = w + 2 * (i + k), *b = a + n;
                float c = circle[2 * k * stride], s = circle[2 * k * stride + 1];
                float re = b[0] * c - b[1] * s, im = b[0] * s + b[1] * c;
                b[0] = a[0] - re, b[1] = a[1] - im;
                a[0] += re, a[1] += im;
            }
        }
    }
    float first = w[0] + w[1], last = w[0] - w[1];
    for (int k = 1; k <= HALF / 2; k++) {
        float *a = w + 2 * k, *b = w + 2 * (HALF - k);
        float even_re = (a[0] + b[0]) / 2, even_im = (a[1] - b[1]) / 2;
        float odd_re = (a[1] + b[1]) / 2, odd_im = (b[0] - a[0]) / 2;
        float c = circle[2 * k], s = circle[2 * k + 1];
        float re = odd_re * c - odd_im * s, im = odd_re * s + odd_im * c;
        float low = (even_re + re) * (even_re + re) + (even_im + im) * (even_im + im);
        float high = (even_re - re) * (even_re - re) + (even_im - im) * (even_im - im);
        a[0] = low, b[0] = high;
    }
    // The middle bin is its own mirror image: what was written last is the same.
    w[0] = first * first, w[1] = last * last;
}
";

/// From a sample to what the frame gives, where one is full.
fn frame_code(frame: &FramesOf) -> String {
    let config = frame.mfcc.config();
    let root = if config.spectrum == Spectrum::Magnitude { "sqrtf(power)" } else { "power" };
    let offset = float(config.log_offset);
    let logarithm = match config.log {
        Logarithm::Natural => format!("logf(sum + {offset})"),
        Logarithm::Decibel => format!("10.0f * log10f(sum > {offset} ? sum : {offset})"),
    };
    let (n_mels, target) = (config.n_mels, if frame.has_cosines { "state->bands" } else { "out" });
    let cosines = if frame.has_cosines {
        format!(
            "    for (int k = 0; k < UPPER_VALUES; k++) {{\n        float sum = 0;\n        for (int i = 0; i < {n_mels}; i++) sum += \
             cosines[k * {n_mels} + i] * state->bands[i];\n        out[k] = sum;\n    }}\n"
        )
    } else {
        String::new()
    };
    format!(
        "
static int LOWER_frame(LOWER_state *state, float x, float *out) {{
    if (state->skip > 0) {{
        state->skip--;
        return 0;
    }}
    state->frame[state->filled++] = x;
    if (state->filled < UPPER_FRAME) return 0;
    memset(state->work, 0, sizeof state->work);
    for (int i = 0; i < UPPER_FRAME; i++) state->work[i] = state->frame[i] * window[i];
#if UPPER_STEP < UPPER_FRAME
    memmove(state->frame, state->frame + UPPER_STEP, (UPPER_FRAME - UPPER_STEP) * sizeof *state->frame);
    state->filled = UPPER_FRAME - UPPER_STEP;
#else
    state->filled = 0;
    state->skip = UPPER_STEP - UPPER_FRAME;
#endif
    powers(state->work);
    const float *weight = weights;
    for (int b = 0; b < {n_mels}; b++) {{
        float sum = 0;
        for (int i = 0; i < band[b][1]; i++) {{
            int bin = band[b][0] + i;
            float power = state->work[bin == UPPER_FFT / 2 ? 1 : 2 * bin];
            sum += *weight++ * {root};
        }}
        {target}[b] = {logarithm};
    }}
{cosines}    return 1;
}}
"
    )
}
