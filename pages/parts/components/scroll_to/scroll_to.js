export default function ({ parentElement, data }) {
  const mark = parentElement.querySelector('span');
  const isNew = data.token && mark.dataset.token !== undefined && mark.dataset.token !== data.token;
  mark.dataset.token = data.token;
  if (isNew && matchMedia(data.where).matches) document.querySelector(`.st-key-${data.key}`)?.scrollIntoView({ block: 'start' });
}
