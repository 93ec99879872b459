export default function ({ parentElement, data }) {
  const picture = parentElement.querySelector('img');
  if (picture.src !== data.source) picture.src = data.source;
  picture.alt = data.alt;
  parentElement.querySelector('figcaption').textContent = data.caption;
}
