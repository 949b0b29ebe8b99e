//! What goes wrong between a board and whoever listens, the same again for the same seed.

/// Something that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// One message of a hundred is lost.
    Drop,
    /// One of a hundred has a wrong bit.
    Corrupt,
    /// Every ten seconds nothing is sent for three; the board's buffer lasts for two seconds of sound.
    Stall,
    /// After every five seconds the cable is pulled for half a second.
    Unplug,
    /// After every twelve seconds the board starts anew, as at its reset button: the port stays, what it was asked is forgotten.
    Restart,
    /// Before one message of a hundred come other bytes.
    Garbage,
    /// The link takes 20 kB a second; sound alone needs 32.
    Slow,
}

/// How long the cable is out.
pub const AWAY_US: u64 = 500_000;

/// One of so many messages is hit.
const ONE_OF: u64 = 100;
const STALL_EVERY_US: u64 = 10_000_000;
const STALL_US: u64 = 3_000_000;
const UNPLUG_EVERY_US: u64 = 5_000_000;
const RESTART_EVERY_US: u64 = 12_000_000;
const SLOW_BYTES_A_SECOND: u64 = 20_000;

impl Fault {
    /// All of them.
    pub const ALL: [Self; 7] = [Self::Drop, Self::Corrupt, Self::Stall, Self::Unplug, Self::Restart, Self::Garbage, Self::Slow];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Corrupt => "corrupt",
            Self::Stall => "stall",
            Self::Unplug => "unplug",
            Self::Restart => "restart",
            Self::Garbage => "garbage",
            Self::Slow => "slow",
        }
    }

    /// The fault with this name, if there is one.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.name() == name)
    }
}

/// The faults of one board.
#[derive(Debug)]
pub struct Faults {
    faults: Vec<Fault>,
    noise: u64,
    /// Time with a sensor on: only then something is at stake.
    active_us: u64,
    /// Bytes that a slow link still takes.
    budget: u64,
    pulled: u64,
    restarted: u64,
}

impl Faults {
    pub fn new(faults: &[Fault], seed: u64) -> Self {
        Self { faults: faults.to_vec(), noise: seed, active_us: 0, budget: 0, pulled: 0, restarted: 0 }
    }

    /// Time passes.
    pub fn pass(&mut self, step_us: u64, is_active: bool) {
        self.active_us += if is_active { step_us } else { 0 };
        self.budget = (self.budget + step_us * SLOW_BYTES_A_SECOND / 1_000_000).min(SLOW_BYTES_A_SECOND / 10);
    }

    /// Whether the link takes less than is put into it.
    pub fn limits(&self) -> bool {
        self.has(Fault::Slow) || self.is_stalled()
    }

    /// Whether the cable is pulled now.
    pub fn pulls_the_cable(&mut self) -> bool {
        let is_due = self.has(Fault::Unplug) && self.active_us / UNPLUG_EVERY_US > self.pulled;
        self.pulled += u64::from(is_due);
        is_due
    }

    /// Whether the board starts anew now.
    pub fn restarts(&mut self) -> bool {
        let is_due = self.has(Fault::Restart) && self.active_us / RESTART_EVERY_US > self.restarted;
        self.restarted += u64::from(is_due);
        is_due
    }

    /// How many of `len` bytes the link takes now.
    pub fn allows(&self, len: usize) -> usize {
        match () {
            () if self.is_stalled() => 0,
            () if self.has(Fault::Slow) => len.min(self.budget as usize),
            () => len,
        }
    }

    /// The link has taken so many.
    pub fn sent(&mut self, len: usize) {
        self.budget = self.budget.saturating_sub(len as u64);
    }

    /// What becomes of a message on the way.
    pub fn message(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        if self.has(Fault::Drop) && self.hits() {
            bytes.clear();
        }
        if self.has(Fault::Corrupt) && self.hits() && !bytes.is_empty() {
            let (at, bit) = (self.next() as usize % bytes.len(), self.next() % 8);
            bytes[at] ^= 1 << bit;
        }
        if self.has(Fault::Garbage) && self.hits() {
            let len = 1 + self.next() % 300;
            let garbage: Vec<u8> = (0..len).map(|_| self.next() as u8).collect();
            bytes.splice(0..0, garbage);
        }
        bytes
    }

    fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }

    fn is_stalled(&self) -> bool {
        self.has(Fault::Stall) && self.active_us % STALL_EVERY_US >= STALL_EVERY_US - STALL_US
    }

    fn hits(&mut self) -> bool {
        self.next().is_multiple_of(ONE_OF)
    }

    fn next(&mut self) -> u64 {
        self.noise = self.noise.wrapping_add(1);
        super::source::noise(self.noise)
    }
}
