//! Clips out of a stream: where something sounds or moves, on a beat, or when somebody says so.

/// How often the level is looked at, in seconds.
const BLOCK_S: f64 = 0.02;
/// How fast the mean follows that levels are measured from: gravity and the offset of a microphone are no signal.
const MEAN_S: f64 = 1.0;
/// How long it has to be quiet before the next clip may begin.
const QUIET_S: f64 = 0.1;

/// What begins a clip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trigger {
    /// The level rises above this: root mean square of what deviates from the slow mean, in the unit of the values.
    Level(f32),
    /// So many instants have passed since the last clip began.
    Beat(u64),
    /// [`Segmenter::press`] alone.
    Key,
}

/// How a stream is cut.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cut {
    /// What begins a clip.
    pub trigger: Trigger,
    /// Instants of a clip.
    pub length: u64,
    /// Instants that are kept before the level rose: the beginning of a word is quiet.
    pub lead: u64,
}

/// First instant of a clip, and the one after its last.
pub type Span = (u64, u64);

/// Finds clips in instants as they come. Memory does not grow.
#[derive(Clone, Debug)]
pub struct Segmenter {
    cut: Cut,
    n_channels: usize,
    /// How many of the channels, from the first on, count for the level.
    n_heard: usize,
    block: u64,
    quiet_blocks: u64,
    follow: f64,
    means: Vec<f64>,
    /// Instants so far, and how many of them are in the block that is summed up.
    index: u64,
    in_block: u64,
    squares: f64,
    level: f32,
    /// Blocks that have been quiet.
    quiet: u64,
    /// Where the next clip may begin at the earliest.
    free: u64,
    /// When the next beat is.
    beat: u64,
}

impl Segmenter {
    /// For a stream of `n_channels`, of which the first `n_heard` make the level. The first instant has the number `first`.
    pub fn new(cut: Cut, rate_hz: f64, n_channels: usize, n_heard: usize, first: u64) -> Self {
        let block = (rate_hz * BLOCK_S).round().max(1.0);
        let beat = if let Trigger::Beat(every) = cut.trigger { first + every } else { 0 };
        Self {
            cut,
            n_channels: n_channels.max(1),
            n_heard: n_heard.clamp(1, n_channels.max(1)),
            block: block as u64,
            quiet_blocks: (QUIET_S * rate_hz / block).ceil().max(1.0) as u64,
            follow: 1.0 / (MEAN_S * rate_hz).max(1.0),
            means: Vec::new(),
            index: first,
            in_block: 0,
            squares: 0.0,
            level: 0.0,
            quiet: 0,
            free: first,
            beat,
        }
    }

    /// The level of the newest block, in the unit of the values.
    pub fn level(&self) -> f32 {
        self.level
    }

    /// Instants until the next beat, if clips begin on one.
    pub fn until_beat(&self) -> Option<u64> {
        matches!(self.cut.trigger, Trigger::Beat(_)).then(|| self.beat.saturating_sub(self.index))
    }

    /// Takes instants, `[n, channels]`, and gives the clips that begin in them; their ends may be yet to come.
    pub fn push(&mut self, values: &[f32]) -> Vec<Span> {
        let mut spans = Vec::new();
        for instant in values.chunks_exact(self.n_channels) {
            self.hear(&instant[..self.n_heard]);
            self.index += 1;
            self.in_block += 1;
            if let Trigger::Beat(every) = self.cut.trigger
                && self.index >= self.beat
            {
                spans.push(self.begin(self.index, 0));
                self.beat = self.index + every.max(self.cut.length);
            }
            if self.in_block == self.block {
                spans.extend(self.end_block());
            }
        }
        spans
    }

    /// Somebody says: now.
    pub fn press(&mut self) -> Option<Span> {
        (self.index >= self.free).then(|| self.begin(self.index, 0))
    }

    /// What is being recorded is given up: the next clip may begin at once.
    pub fn give_up(&mut self) {
        self.free = self.free.min(self.index);
    }

    fn hear(&mut self, instant: &[f32]) {
        if self.means.len() != instant.len() {
            self.means = instant.iter().map(|value| if value.is_finite() { f64::from(*value) } else { 0.0 }).collect();
        }
        for (mean, value) in self.means.iter_mut().zip(instant) {
            let value = if value.is_finite() { f64::from(*value) } else { *mean };
            self.squares += (value - *mean).powi(2);
            *mean += (value - *mean) * self.follow;
        }
    }

    fn end_block(&mut self) -> Option<Span> {
        let n = (self.in_block * self.n_heard as u64) as f64;
        self.level = (self.squares / n).sqrt() as f32;
        (self.squares, self.in_block) = (0.0, 0);
        let Trigger::Level(threshold) = self.cut.trigger else { return None };
        if self.level < threshold {
            self.quiet += 1;
            return None;
        }
        let was_quiet = std::mem::take(&mut self.quiet) >= self.quiet_blocks;
        let rose_at = self.index - self.block;
        (was_quiet && rose_at >= self.free).then(|| self.begin(rose_at, self.cut.lead))
    }

    /// A clip around `at`, which does not overlap the one before.
    fn begin(&mut self, at: u64, lead: u64) -> Span {
        let start = at.saturating_sub(lead).max(self.free);
        self.free = start + self.cut.length.max(1);
        (start, self.free)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Quiet with bursts of `len` at `starts`, on a large offset.
    fn stream(n: usize, starts: &[usize], len: usize) -> Vec<f32> {
        let is_loud = |i: usize| starts.iter().any(|start| (*start..start + len).contains(&i));
        (0..n).map(|i| 9.8 + if is_loud(i) { if i % 2 == 0 { 0.5 } else { -0.5 } } else { 0.0 }).collect()
    }

    fn loud(length: u64, lead: u64) -> Segmenter {
        Segmenter::new(Cut { trigger: Trigger::Level(0.1), length, lead }, 1000.0, 1, 1, 0)
    }

    #[test]
    fn a_burst_is_one_clip_that_begins_a_little_before_it() {
        let mut segmenter = loud(300, 50);
        let spans = segmenter.push(&stream(2000, &[500, 1200], 200));
        assert_eq!(spans, [(450, 750), (1150, 1450)]);
    }

    #[test]
    fn chunks_make_no_difference() {
        let values = stream(4000, &[300, 900, 2500], 150);
        let whole = loud(250, 40).push(&values);
        for size in [1, 7, 20, 333] {
            let mut segmenter = loud(250, 40);
            let pieces: Vec<Span> = values.chunks(size).flat_map(|chunk| segmenter.push(chunk)).collect();
            assert_eq!(pieces, whole, "in chunks of {size}");
        }
        assert_eq!(whole.len(), 3);
    }

    #[test]
    fn what_stays_loud_is_one_clip_and_clips_never_overlap() {
        let spans = loud(300, 100).push(&stream(3000, &[500], 2000));
        assert_eq!(spans, [(400, 700)], "the level has not been low since");
        let spans = loud(400, 300).push(&stream(3000, &[500, 1000], 100));
        assert!(spans.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{spans:?}");
    }

    #[test]
    fn a_stream_that_begins_loud_waits_for_quiet() {
        assert!(loud(300, 0).push(&stream(200, &[0], 200)).is_empty());
    }

    #[test]
    fn beats_and_keys_begin_clips_too() {
        let cut = |trigger| Cut { trigger, length: 100, lead: 30 };
        let mut beat = Segmenter::new(cut(Trigger::Beat(500)), 1000.0, 1, 1, 7);
        assert_eq!(beat.until_beat(), Some(500));
        assert_eq!(beat.push(&stream(1200, &[], 0)), [(507, 607), (1007, 1107)]);
        assert_eq!(beat.until_beat(), Some(300));
        let mut key = Segmenter::new(cut(Trigger::Key), 1000.0, 2, 1, 0);
        assert!(key.push(&[0.0; 40]).is_empty());
        assert_eq!(key.press(), Some((20, 120)));
        assert_eq!(key.press(), None, "one is being recorded");
        key.give_up();
        assert_eq!(key.press(), Some((20, 120)));
    }

    #[test]
    fn values_that_are_none_do_not_spoil_the_level() {
        let mut segmenter = loud(300, 0);
        segmenter.push(&[f32::NAN; 100]);
        segmenter.push(&stream(1000, &[500], 100));
        assert!(segmenter.level().is_finite());
    }
}
