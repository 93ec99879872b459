"""Look inside: the kernels of both layers, and the feature maps of a test image."""

import streamlit as st

from fmnist_core.insight.maps import first_kernels, second_kernels
from fmnist_core.network.model import FashionCNN
from pages.parts.look_inside.item_maps import show_item
from pages.parts.look_inside.kernel_sheets import show_first_layer, show_second_layer
from pages.parts.shared.cached import model_or_stop
from pages.parts.shared.run_picker import pick_network
from pages.parts.shared.source_code import show_source
from pages.parts.shared.url_state import bind, one_of
from pages.parts.shared.wording import ARTICLE

FIRST, SECOND, ITEM = PARTS = ("First layer", "Second layer", "An item on its way through")

st.title("Look inside")
model = model_or_stop(pick_network())
bind("part", FIRST, one_of(PARTS))
part = st.segmented_control("What to look at", PARTS, key="part", persist_state="session", required=True)
if part == FIRST:
    show_first_layer(first_kernels(model))
elif part == SECOND:
    show_second_layer(second_kernels(model))
else:
    show_item(model)
explanation = f"This is the whole network, as in the article {ARTICLE}: its layers, and how a picture goes through them."
show_source("Show the code", explanation, FashionCNN)
