/**
 * What people say about a movie, and the form to say something.
 *
 * Everybody reads; those who are not signed in see where to. After a comment the whole view is drawn again, because the
 * rating at its head has changed too.
 */
import { account } from '../account.js';
import { post } from '../api.js';
import { el } from '../dom.js';
import { icon } from '../icons.js';
import { said, t } from '../language.js';
import { field, form } from '../parts/form.js';
import { avatar, stars } from '../parts/pictures.js';
import { empty } from '../parts/states.js';
import { here, redraw } from '../router.js';
import { toast } from '../toast.js';

export function comments(movie, list) {
  return el(
    'section.comments',
    { 'aria-label': t('comments') },
    el('h2', {}, t('comments'), list.length > 0 && el('span.count', {}, list.length)),
    account() ? writing(movie) : invitation(),
    list.length === 0
      ? empty({ sign: 'star', title: t('noComments'), text: t('noCommentsText') })
      : el('ul.comment-list', {}, list.map(comment)),
  );
}

function invitation() {
  const back = encodeURIComponent(here());
  return el('p.quiet', {}, el('a', { href: `#/sign-in?back=${back}` }, t('signIn')), ' ', t('toComment'));
}

function comment(one) {
  return el(
    'li.comment',
    {},
    avatar(one),
    el(
      'div',
      {},
      el('p.comment-by', {}, el('b', {}, said(one.nickname)), stars(one.rating)),
      el('p.comment-text', {}, one.content),
    ),
  );
}

function writing(movie) {
  return form({
    id: 'comment',
    submit: t('commentSend'),
    fields: [
      starChoice(),
      field({ name: 'content', label: t('yourComment'), area: true, rows: 3, maxlength: 500, required: true }),
    ],
    places: { 评论内容不能为空: 'content' },
    send: async ({ content, rating }) => {
      const answer = await post('/api/comments/', { movieId: movie.id, rating: rating ?? '', content });
      toast(answer.message);
      document.getElementById('comment').reset();
      await redraw();
    },
  });
}

/** Five radio buttons that look like stars: the arrow keys work by themselves. */
function starChoice() {
  const choice = (n) => [
    el('input', { type: 'radio', name: 'rating', value: n, id: `rating-${n}`, checked: n === 5 }),
    el('label', { for: `rating-${n}` }, icon('star', t('starCount', { count: n }))),
  ];
  return el('fieldset.star-choice', {}, el('legend', {}, t('yourRating')), el('div', {}, [1, 2, 3, 4, 5].map(choice)));
}
