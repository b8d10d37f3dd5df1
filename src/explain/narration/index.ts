/**
 * The story of a gradient in sentences, after the fourth set of the study notes: which way to go, how the error comes back
 * factor by factor, what attenuates it, what its sign says. It is a function of the document alone, and every number in it
 * can be read there again.
 */
import type { ExplanationDocument, Sentence } from "../document.js";
import { journeyText } from "./journey.js";
import {
  batchText,
  checkText,
  directionText,
  inputText,
  layersText,
  nonFiniteText,
  pathsText,
} from "./meaning.js";
import { cancellationText, signRuleText } from "./output.js";
import { brokenClaims, type Told } from "./told.js";

export { brokenClaims, type Told } from "./told.js";

/** Every sentence there is to tell, with what it claims. */
export function toldOf(document: ExplanationDocument): Told[] {
  return [
    nonFiniteText,
    directionText,
    signRuleText,
    cancellationText,
    batchText,
    layersText,
    journeyText,
    inputText,
    pathsText,
    checkText,
  ].flatMap((part) => part(document));
}

/**
 * The sentences whose every claim holds. That is all of them, or there is a bug; but a learner is better served by silence
 * than by a wrong sentence.
 */
export function narrate(document: ExplanationDocument): Sentence[] {
  return toldOf(document)
    .filter((told) => brokenClaims([told], document).length === 0)
    .map(({ text, numbers, points }) => ({ text, numbers, points }));
}
