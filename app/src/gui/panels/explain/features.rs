//! What the features before the model add to its figures, in words.

use tinsmith_core::measure::StaticFigures;
use tinsmith_core::measure::features::FrontEndFigures;

use crate::gui::context::PanelCtx;
use crate::gui::units;

/// RAM of model and features: `model 21.3 KB + features 4.0 KB`. `None` if the project has no features.
pub fn ram(cx: PanelCtx<'_>, statics: &StaticFigures) -> Option<String> {
    let features = match known(cx, statics)? {
        Ok(features) => &features.each,
        Err(why) => return Some(why),
    };
    let bytes = |n: u64| units::bytes(n).joined();
    Some(format!(
        "model {} + features {} = {}; their tables take {} of flash",
        bytes(statics.arena.arena_mcu32_bytes),
        bytes(features.ram_bytes),
        bytes(statics.whole_ram_bytes()),
        bytes(features.table_bytes)
    ))
}

/// Time of model and features: `model 8.4 ms + features 3.9 ms`. `None` if the project has no features.
pub fn time(cx: PanelCtx<'_>, statics: &StaticFigures) -> Option<String> {
    let features = match known(cx, statics)? {
        Ok(features) => features,
        Err(why) => return Some(why),
    };
    let ms = |us: f64| units::microseconds(us).joined();
    let Some(us) = &features.input_us else {
        return Some("the features' time is not known: nobody has measured floats on the board".to_owned());
    };
    let model = statics.latency_us.as_ref().map_or_else(|| "model not known".to_owned(), |e| format!("model {}", ms(e.value)));
    let whole = statics.whole_latency_us().map_or_else(String::new, |whole| format!(" = {}", ms(whole.value)));
    let load = features.each.load.as_ref().map_or_else(String::new, |load| {
        format!("; where frames are kept, {} of the processor's time", units::percent(load.value).joined())
    });
    let (low, high, frames) = (ms(us.low), ms(us.high), features.frames);
    Some(format!(
        "{model} + features {}{whole} for a whole input of {frames} frames (features {low} to {high}){load}",
        ms(us.value)
    ))
}

/// What the features cost, or why that is not known; `None` if there are none.
fn known<'a>(cx: PanelCtx<'_>, statics: &'a StaticFigures) -> Option<Result<&'a FrontEndFigures, String>> {
    match &statics.front_end {
        Some(Ok(features)) => Some(Ok(features)),
        Some(Err(why)) => Some(Err(format!("the features are not counted: {why}"))),
        None => cx.session.edit.features.as_ref().map(|_| {
            let has_data = cx.session.open.as_ref().is_some_and(|open| open.data.is_some());
            let why = if has_data {
                "the data set is no recordings, which would say rate and channels"
            } else {
                "there is no data yet, which would say rate and channels"
            };
            Err(format!("the features are not counted: {why}"))
        }),
    }
}
