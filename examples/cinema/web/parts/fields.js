/**
 * The fields that several forms share: mobile number and passwords.
 *
 * They carry the names by which browsers and password managers know them. What is typed as a password leaves the page only
 * through `opaque` (secret.js).
 */
import { t } from '../language.js';
import { field } from './form.js';

export function mobileField(more = {}) {
  return field({
    name: 'id',
    label: t('mobile'),
    type: 'tel',
    inputmode: 'numeric',
    autocomplete: 'username',
    pattern: '1[0-9]{10}',
    maxlength: 11,
    required: true,
    'data-wrong': t('mobileWrong'),
    ...more,
  });
}

/** @param {'current-password' | 'new-password'} autocomplete */
export function passwordField(name, label, autocomplete, hint) {
  return field({
    name,
    label,
    hint,
    type: 'password',
    autocomplete,
    required: true,
    maxlength: 128,
    minlength: autocomplete === 'new-password' ? 6 : null,
  });
}
