"""Train: choose three settings, start a run, watch it learn, stop it."""

from dataclasses import replace
from typing import Any

import streamlit as st

from fmnist_core import jobs, runs
from fmnist_core.config import MAX_BATCH_SIZE, MAX_EPOCHS, MAX_SEED, PRESETS, find_preset
from fmnist_core.runs import RunRecord
from pages.parts.live_run import show_ended_run, show_live_run
from pages.parts.run_picker import describe_run, remember_run

RATES = ["0.00001", "0.00003", "0.0001", "0.0003", "0.001", "0.003", "0.01", "0.03", "0.1", "0.3", "1", "3", "10"]
_WATCHED = "watched_run"  # outlives the page, unlike widgets
_SETTINGS = "train_settings"
_LISTED_RUNS = 30
HELP = {
    "epochs": "How many times the network sees every training image. The article uses 5, and 25 for its best result.",
    "batch_size": "How many images the network looks at before each correction of its weights.",
    "rate": "How large each correction is. Choose one, or type any other number.",
    "seed": "Where all random choices start. The same settings and seed train the same network again.",
}


def show_settings() -> None:
    """The form; starts a run when it is sent."""
    kept = settings_of(PRESETS[0].key) | st.session_state.get(_SETTINGS, {})
    keys = [preset.key for preset in PRESETS]
    st.session_state["preset"] = kept["preset"]
    st.radio(
        "Preset",
        keys,
        format_func=lambda key: find_preset(key).name,
        captions=[preset.sentence for preset in PRESETS],
        horizontal=True,
        key="preset",
        on_change=lambda: st.session_state.update({_SETTINGS: settings_of(st.session_state["preset"])}),
    )
    rates = RATES if kept["rate"] in RATES else [*RATES, kept["rate"]]
    with st.form("settings", border=False):
        places = iter(st.columns([2, 2, 2, 3, 2, 2], vertical_alignment="bottom"))
        epochs = next(places).number_input("Epochs", 1, MAX_EPOCHS, kept["epochs"], help=HELP["epochs"])
        batch_size = next(places).number_input("Batch size", 1, MAX_BATCH_SIZE, kept["batch_size"], help=HELP["batch_size"])
        rate = next(places).selectbox("Learning rate", rates, rates.index(kept["rate"]), accept_new_options=True, help=HELP["rate"])
        name = next(places).text_input("Name (may be empty)", kept["name"], max_chars=runs.MAX_NAME_LENGTH, placeholder="team blue")
        seed = next(places).number_input("Seed", 0, MAX_SEED, kept["seed"], help=HELP["seed"])
        sent = next(places).form_submit_button("Train", type="primary", icon=":material/play_arrow:", width="stretch")
    if sent:
        chosen = {"epochs": epochs, "batch_size": batch_size, "rate": rate or "", "seed": seed, "name": name, "preset": kept["preset"]}
        st.session_state[_SETTINGS] = chosen
        start_run(**chosen)


def settings_of(key: str) -> dict[str, Any]:
    """What the form shows for a preset."""
    config = find_preset(key).config
    return {
        "preset": key,
        "epochs": config.epochs,
        "batch_size": config.batch_size,
        "rate": f"{config.learning_rate:g}",
        "seed": config.seed,
        "name": "",
    }


def start_run(preset: str, epochs: int, batch_size: int, rate: str, seed: int, name: str) -> None:
    """Starts the run and shows it, or says in a sentence why it cannot start."""
    try:
        learning_rate = float(rate.strip().replace(",", "."))
    except ValueError:
        st.error(f'The learning rate "{rate[:40]}" is not a number: choose one such as 0.001.', icon=":material/warning:")
        return
    try:
        chosen = {"epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate, "seed": seed}
        run_id = jobs.start(replace(find_preset(preset).config, **chosen), name)  # type: ignore[arg-type]
    except ValueError as error:  # a setting out of range, or a home folder that cannot be written
        st.error(str(error), icon=":material/warning:")
        return
    watch(run_id)
    st.rerun()


def watch(run_id: str) -> None:
    """Makes a run the one on show, here and in the pickers of the other pages."""
    st.session_state[_WATCHED] = st.query_params["run"] = run_id
    remember_run(run_id)


def find_watched_run(records: list[RunRecord]) -> RunRecord | None:
    """The run of the URL, else this session's, else one that is training now."""
    by_id = {run.id: run for run in records}
    asked = st.query_params.get("run")
    if asked is not None and asked not in by_id and asked != runs.STARTER_ID:
        st.warning(
            f"This link names a run that is not here ({asked[:40]}). Start a new one, or choose another below.", icon=":material/link_off:"
        )
    live = next((run.id for run in records if run.is_live), None)
    return next((by_id[run_id] for run_id in (asked, st.session_state.get(_WATCHED), live) if run_id in by_id), None)


def show_run_choice(records: list[RunRecord], watched: RunRecord | None) -> None:
    """A way to every run, also for somebody who did not start it."""
    listed = {run.id: run for run in records[:_LISTED_RUNS]}
    if watched is not None:
        listed.setdefault(watched.id, watched)
    if not listed:
        return
    st.session_state["run_on_show"] = watched.id if watched else None
    st.selectbox(
        "Run shown above",
        list(listed),
        format_func=lambda run_id: describe_run(listed[run_id]),
        key="run_on_show",
        placeholder="Choose a run to look at",
        on_change=lambda: watch(st.session_state["run_on_show"]) if st.session_state["run_on_show"] else None,
    )


st.title("Train")
records = runs.list_runs()
if not any(run.is_live for run in records):
    jobs.keep_spare()
watched = find_watched_run(records)
if watched is None:
    st.write("Choose the settings and press Train. The network sees every training image once an epoch, and its loss draws itself.")
    show_settings()
elif watched.is_live:
    watch(watched.id)
    show_live_run(watched)
    with st.expander("Train another network"):
        st.write(f"Runs take turns, {jobs.training_slots()} at a time: a new one waits until its turn comes.")
        show_settings()
else:
    watch(watched.id)
    show_settings()
    show_ended_run(watched)
show_run_choice(records, watched)
