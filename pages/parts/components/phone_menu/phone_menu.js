// Streamlit leaves its menu open over the page that was chosen in it.
const LINK = '[data-testid="stSidebarNavLink"]', CLOSE = '[data-testid="stSidebarCollapseButton"] button';

export default function () {
  const close = ({ target }) => {
    if (target instanceof Element && target.closest(LINK)) setTimeout(() => document.querySelector(CLOSE)?.click());
  };
  document.addEventListener('click', close);
  return () => document.removeEventListener('click', close);
}
