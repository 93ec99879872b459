import { element } from '../element.js';
import { keepReachable, moveAmongTiles } from '../roving_focus.js';

export default function ({ parentElement, data, setTriggerValue }) {
  const choices = parentElement.querySelector('.choices'), stages = parentElement.querySelector('.stages');
  const isNew = choices.dataset.drawn !== data.id;
  if (isNew) build(choices, stages, data);
  choices.dataset.drawn = data.id;
  const buttons = [...choices.children].filter((button) => !button.disabled);
  const send = (picked) => {
    buttons.forEach((button) => {
      button.ariaPressed = Number(button.dataset.picture) === picked;
    });
    if (stages.dataset.picture === String(picked) && !isNew) return;
    stages.dataset.picture = picked;
    show(stages, data, data.pictures[picked]);
    stages.classList.remove('travels');
    stages.getBoundingClientRect(); // so that the animation starts again
    stages.classList.add('travels');
  };
  send(data.picked);
  keepReachable(choices, buttons, buttons.findIndex((button) => button.ariaPressed === 'true'));

  choices.onclick = (event) => {
    const button = event.target.closest('button');
    if (!button || button.disabled) return;
    send(Number(button.dataset.picture)); // everything is here already: nobody waits for the server
    setTriggerValue('picked', [data.id, Number(button.dataset.picture)]);
  };
  choices.onkeydown = (event) => {
    moveAmongTiles(event, buttons, () => [1, getComputedStyle(choices).gridTemplateColumns.split(' ').length]);
  };
}

function build(choices, stages, data) {
  choices.setAttribute('aria-label', 'Picture to send through the network');
  choices.replaceChildren(...data.names.map((name, i) => {
    const picture = data.pictures[i], button = element('button', '');
    button.type = 'button';
    button.dataset.picture = i;
    button.disabled = !picture;
    if (picture) {
      const image = document.createElement('img');
      image.src = picture.image;
      image.alt = picture.alt;
      button.append(image);
    } else button.append(element('div', 'missing', 'no picture'));
    const label = element('span', '', data.short[i]);
    label.ariaHidden = Boolean(picture);
    button.append(label);
    return button;
  }));
  [...stages.children].forEach((stage, turn) => stage.style.setProperty('--turn', turn));
  stages.querySelectorAll('figcaption').forEach((caption, i) => {
    const [title, ...lines] = data.stages[i];
    caption.replaceChildren(element('b', '', title), ...lines.map((line) => element('span', '', line)));
  });
  stages.querySelector('tbody').replaceChildren(...data.names.map((name) => {
    const head = element('th', '', name);
    head.scope = 'row';
    return element('tr', '', head, element('td', '', element('span', 'bar')), element('td', ''));
  }));
}

/** Shows a picture, its maps and its probabilities. */
function show(stages, data, picture) {
  const [whole, first, second] = stages.querySelectorAll('img');
  Object.assign(whole, { src: picture.image, alt: `The picture: ${picture.name}, 28×28 pixels` });
  Object.assign(first, { src: picture.first, alt: 'Its 16 maps after the first block, 14×14 each' });
  Object.assign(second, { src: picture.second, alt: 'Its 32 maps after the second block, 7×7 each' });
  const best = picture.percent.indexOf(Math.max(...picture.percent));
  [...stages.querySelectorAll('tr')].forEach((row, i) => {
    row.className = i === best ? 'first' : '';
    row.querySelector('.bar').style.width = `${picture.percent[i]}%`;
    row.cells[2].textContent = `${picture.percent[i].toFixed(1)}\u00a0%`;
  });
  stages.querySelector('.bars b').textContent = `Prediction: ${data.names[best]}`;
}
