//! Which ports there are.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use serde::Serialize;
use serialport::SerialPortType;

use super::registry;

/// How often plugging in and out is looked for.
const LOOK: Duration = Duration::from_millis(500);

/// What is behind a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PortKind {
    /// A board on USB.
    Usb,
    /// A simulated board.
    Simulated,
    /// Any other port: of the computer itself, by Bluetooth.
    Other,
}

/// A port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Port {
    /// What to open.
    pub path: String,
    /// What is behind it, for people: product and maker, as far as they are known.
    pub name: String,
    /// What kind of thing that is.
    pub kind: PortKind,
    /// Serial number of a USB device, if it has one.
    pub serial: Option<String>,
}

/// All ports: boards on USB first, simulated boards, then the rest.
pub fn list() -> Vec<Port> {
    // Without this folder, as in some containers, the library panics.
    let has_ports = !cfg!(target_os = "linux") || Path::new("/sys/class/tty").is_dir();
    let real = if has_ports { serialport::available_ports().unwrap_or_default() } else { Vec::new() };
    let mut ports: Vec<Port> = real.into_iter().map(real_port).collect();
    ports.extend(registry::list().into_iter().map(|simulated| Port {
        path: simulated.port.display().to_string(),
        name: format!("{} (simulated)", simulated.board),
        kind: PortKind::Simulated,
        serial: None,
    }));
    ports.sort_by(|a, b| (a.kind as u8, &a.path).cmp(&(b.kind as u8, &b.path)));
    ports
}

fn real_port(port: serialport::SerialPortInfo) -> Port {
    let path = port.port_name;
    match port.port_type {
        SerialPortType::UsbPort(usb) => {
            let words = [usb.product, usb.manufacturer.map(|maker| format!("({maker})"))];
            let name = words.into_iter().flatten().collect::<Vec<_>>().join(" ");
            let name = if name.is_empty() { format!("USB {:04x}:{:04x}", usb.vid, usb.pid) } else { name };
            Port { path, name, kind: PortKind::Usb, serial: usb.serial_number }
        }
        SerialPortType::BluetoothPort => Port { path, name: "Bluetooth".to_owned(), kind: PortKind::Other, serial: None },
        SerialPortType::PciPort => Port { path, name: "serial card".to_owned(), kind: PortKind::Other, serial: None },
        SerialPortType::Unknown => Port { path, name: "serial port".to_owned(), kind: PortKind::Other, serial: None },
    }
}

/// Tells which ports there are, now and whenever that changes, until it is dropped.
#[derive(Debug)]
pub struct Watch {
    changes: Receiver<Vec<Port>>,
    /// Its thread ends when this is gone.
    _alive: Arc<()>,
}

impl Watch {
    /// Begins to look.
    pub fn start() -> Self {
        let (sender, changes) = channel();
        let alive = Arc::new(());
        let listened = Arc::downgrade(&alive);
        thread::spawn(move || look(&sender, &listened));
        Self { changes, _alive: alive }
    }

    /// The ports, if they have changed since the last call. Does not wait.
    pub fn changed(&self) -> Option<Vec<Port>> {
        self.changes.try_iter().last()
    }
}

fn look(sender: &Sender<Vec<Port>>, listened: &Weak<()>) {
    let mut before = None;
    while listened.strong_count() > 0 {
        let now = list();
        if before.as_ref() != Some(&now) {
            // Nobody listens any more: the next look is the last.
            let _ = sender.send(now.clone());
            before = Some(now);
        }
        thread::sleep(LOOK);
    }
}
